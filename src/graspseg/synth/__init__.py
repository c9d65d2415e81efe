"""Synthetic frames: hands, objects, grasps, rendering and sensor noise."""
