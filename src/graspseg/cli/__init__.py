"""The `graspseg` command; every subcommand lives in a module of its own that is imported when it is called."""
