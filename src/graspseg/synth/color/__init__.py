"""Color pictures of synthetic scenes.

In: a scene and its surfaces. Out: an RGB picture with a record of materials and light.
Begin with `picture`.
"""
