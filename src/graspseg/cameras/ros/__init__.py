"""Recordings of ROS 1 and 2.

In: `.bag`, `.db3`, `.mcap`, folders. Out: depth and color by topic, with camera and transforms.
Begin with `recording`.
"""
