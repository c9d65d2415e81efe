"""Training: samples cut from frames, the two-stage recipe on Lightning, presets. Import the modules you need."""
