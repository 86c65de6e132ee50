"""The numbers in the rules for verdicts, the same for every run."""

AGREES = 0.9
"""Minibatches agree where the mean resultant length R of their arrows is at least this: a spread of about 26°."""

MANY_OPPOSITE = 0.3
"""Minibatches disagree where at least this share of their pairs is opposite (cosine < 0); random directions give
half at most."""

ROUGH_RATIO = 3.0
"""A landscape counts as rough if its neighbouring arrows differ by at least this many times the control's angle."""

READS = 2.0
"""The network reads a field if permuting it among the test rows multiplies the test error at least by this."""

MID_LOSS = 0.1
"""Mid-training: the training loss has fallen below this share of its initial value, and is falling."""

BATCHNORM_EPOCH = 10
"""The epoch at which the source looks at batch normalization, and the layer (the middle one)."""
BATCHNORM_LAYER = 1

ACCURATE_R2 = 0.95
"""The network performs the task accurately if the coefficient of determination on the test rows is at least this."""

LAYERS = (1, 2)
"""Hidden layers of the source's pictures, counted from 0: the second and the third."""
