"""What a model file is: where it lies, what its header says, and the shipped weights.

In: a name or path. Out: its `ModelInfo`.
Begin with `locate.find_model`, `header.read_model_info`.
"""
