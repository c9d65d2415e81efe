"""Frames and labels on disk.

In: folders, tar shards, public data sets. Out: `Sample`s by index (`dataset.Dataset`), and new data sets.
Begin with `open.open_dataset`.
"""
