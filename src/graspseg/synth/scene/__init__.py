"""What stands where.

In: a recipe and random numbers. Out: a scene of people, objects and rooms before a camera.
Begin with `stage`.
"""
