"""Work on many processes or machines.

In: a function and chunks of work. Out: chunks done, in any order, each whole or not at all.
Begin with `chunks`.
"""
