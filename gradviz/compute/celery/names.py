"""Names in the broker that several of these modules share."""

PREFIX = "gradviz:"
INTERACTIVE, BATCH, TRAINING, PATHS = QUEUES = ("interactive", "batch", "training", "paths")
