"""People check labels in a local web page.

In: a folder data set with labels. Out: decisions with their history, corrected labels.
Begin with `server.serve`.
"""
