"""Several networks under one stated budget: trained, judged and timed alike, in the paper's tables.

In: names of networks, frames to train on and to judge. Out: a report with tables, intervals and pictures.
Begin with `run.compare`.
"""
