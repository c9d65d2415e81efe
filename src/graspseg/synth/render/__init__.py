"""Meshes to depth.

In: meshes and a camera. Out: depth in meters and labels.
Begin with `canvas.Canvas`.
"""
