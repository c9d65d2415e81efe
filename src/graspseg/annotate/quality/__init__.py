"""How much an annotation can be trusted.

In: labels and probabilities of an annotated frame. Out: quality features and one confidence.
Begin with `confidence`.
"""
