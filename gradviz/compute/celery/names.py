"""Names in the broker that several of these modules share."""

PREFIX = "gradviz:"
INTERACTIVE, BATCH, TRAINING = QUEUES = ("interactive", "batch", "training")
