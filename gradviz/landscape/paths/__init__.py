"""Paths that training takes from one checkpoint, with the same rows in other minibatches or another order."""
