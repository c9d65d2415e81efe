"""Hands, arms and people with what they wear.

In: poses and shapes. Out: meshes.
Begin with `hand.HandModel`.
"""
