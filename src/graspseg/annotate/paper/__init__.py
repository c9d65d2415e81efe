"""The steps of the paper's section 3, one module each.

In: arrays of one frame. Out: masks and labels.
Begin with `align`, `background`, `skin`, `morphology`, `contour_filter`: the order in which they run.
"""
