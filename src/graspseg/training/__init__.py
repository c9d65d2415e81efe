"""Training: samples cut from frames, the two-stage recipe on Lightning, presets.

In: labeled frames or seeds, and settings (`presets`). Out: a run folder with weights, curves and sheets.
Begin with `run.train`.
"""
