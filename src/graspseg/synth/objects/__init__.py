"""Objects, and how hands hold them.

In: the baked libraries of meshes and grasps. Out: placed meshes.
Begin with `objects.load_objects`, `grasp.load_grasps`.
"""
