"""Depth in, labels and probabilities out, with any engine and without torch.

In: a `Frame`, or files for the command. Out: a `Segmentation`, or label files.
Begin with `segmenter.Segmenter`.
"""
