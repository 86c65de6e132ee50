"""What belongs to single rows of a minibatch."""
