"""Models of depth sensors.

In: exact depth with labels. Out: depth as that sensor reports it, labels moved along.
Begin with `simulate.measure`.
"""
