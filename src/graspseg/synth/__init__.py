"""Synthetic frames with exact labels: hands, objects, grasps, rendering and sensor noise.

In: preset, split, seed and index. Out: a frame with its labels, the same on every machine.
Begin with `generate.FrameMaker` for one frame, `job` for a data set.
"""

from graspseg.numba_cache import provide_cache

# Before any compiled module is imported: the compiler reads this once.
provide_cache()
