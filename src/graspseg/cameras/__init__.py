"""Frames come in from cameras and recordings.

In: RealSense cameras, their recordings, those of ROS, folders. Out: depth frames, with color where there is any.
Begin with `open.open_rgbd`.
"""
