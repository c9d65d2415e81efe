"""Data sets that other people published, read as they are downloaded.

In: a data set's name and folder. Out: a `Dataset`.
Begin with `registry.open_public`.
"""
