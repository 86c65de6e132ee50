"""The rows of a minibatch, each for itself: its own arrow, and what it adds to the minibatch's."""
