"""Depth in, labels and probabilities out, with any engine and without torch."""
