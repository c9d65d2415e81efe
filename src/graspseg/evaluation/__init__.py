"""Any segmenter on any labeled frames.

In: a model and a data set. Out: scores, what trivial rules reach there, worst frames, speed.
Begin with `evaluate.evaluate`.
"""
