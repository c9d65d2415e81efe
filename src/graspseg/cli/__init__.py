"""The `graspseg` command: every subcommand lives in a module of its own that is imported when it is called.

In: arguments. Out: files, text, an exit code.
Begin with `main`.
"""
