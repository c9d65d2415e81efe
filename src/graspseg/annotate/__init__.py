"""Labels of hand and object from depth and color: the paper's section 3, and what goes beyond it.

In: recordings of depth and color (`inputs`). Out: a data set with labels and a confidence for each frame.
Begin with `annotator.Annotator` for one frame, `job` for whole recordings.
"""
