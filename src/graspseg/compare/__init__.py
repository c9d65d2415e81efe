"""Several networks under one stated budget: trained on the same frames, judged on the same frames, timed side by side.

The tables and figures of the paper's section 5 (Tables 2 and 3, Figures 6 to 8) for any networks and any data set.
"""
