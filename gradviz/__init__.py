"""Gradient landscapes of a training network, and how they depend on the minibatch."""

__version__ = "0.1.0"
