"""Synthetic frames: hands, objects, grasps, rendering and sensor noise."""

from graspseg.numba_cache import provide_cache

# Before any compiled module is imported: the compiler reads this once.
provide_cache()
