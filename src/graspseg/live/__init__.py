"""A camera's frames as they come, segmented and shown: source -> segmenter -> sink.

In: a live camera, a recording, a folder or shards. Out: results one by one (`Stream`), a viewer, files.
Begin with `stream.Stream`.
"""
