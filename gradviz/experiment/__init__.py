"""The experiment: the table, its encoding, the network, its training, and the store of runs and checkpoints."""
