"""Kang's two-stage random decision forest: depth in, probabilities out, on one core of a CPU without any network.

Paper: B. Kang, K.-H. Tan, N. Jiang, H.-S. Tai, D. Tretter, T. Nguyen, "Hand segmentation for hand-object interaction
from depth map", GlobalSIP 2017 (arXiv 1603.02345). What it says is followed: one forest finds hands, another one
segments what was found, both on depth differences; then bilateral filtering, an adjusted decision and post-processing.
Numbers it leaves open are in `ForestSettings`; `Differs:` marks what we do otherwise.

In: a depth image. Out: probabilities and labels. Begin with `forest.Forest`; `training` grows one.
"""

from graspseg.numba_cache import provide_cache

# Before any compiled module is imported: the compiler reads this once.
provide_cache()
