"""RealSense cameras and recordings of their SDK.

In: a device, `.db3` or `.bag`. Out: depth and color with calibration.
Begin with `playback` to read, `record` to write.
"""
