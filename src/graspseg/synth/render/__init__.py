"""Meshes to depth.

In: meshes and a camera. Out: depth in metres and labels.
Begin with `canvas.Canvas`.
"""
