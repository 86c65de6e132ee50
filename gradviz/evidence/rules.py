"""The numbers in the rules for verdicts, the same for every run."""

import math

AGREES = 0.9
"""Minibatches agree where the mean resultant length R of their arrows is at least this: a spread of about 26°."""

MANY_OPPOSITE = 0.3
"""Minibatches disagree where at least this share of their pairs is opposite (cosine < 0); random directions give
half at most."""

ROUGH_RATIO = 3.0
"""A landscape counts as rough if its neighbouring arrows differ by at least this many times the control's angle."""

LEAST_ANGLE = 10.0
"""And by at least so many degrees, because a ratio to almost nothing says nothing. Smooth landscapes, without a
regularizer, were seen to reach 6°; random directions differ by 90° in the mean."""

LEAST_APART = math.cos(math.radians(LEAST_ANGLE))
"""Gradients differ at all where their R is at most this: that of directions which lie `LEAST_ANGLE` from their mean."""

PATHS_APART = math.tan(math.radians(LEAST_ANGLE))
"""Order, or composition, determines the path where the replicas' spread is at least this share of their way's length,
by the lower end of the interval: ways that lie `LEAST_ANGLE` from their mean."""

PATHS_ROUNDING = 0.01
"""Rows in another order within minibatches are rounding, and must spread paths by at most this share of the rest."""

CHOSEN_RATIO = 2.0
"""Chosen rows disagree more than random ones where 1 - R is at least this many times that of random rows, by the lower
end of the ratio's range. The ratio of random minibatches themselves was seen between 0.86 and 1.07."""


READS = 2.0
"""The network reads a field if permuting it among the test rows multiplies the test error at least by this."""

READS_R2 = 0.01
"""And costs at least so much of R²: twice an error of almost nothing is almost nothing."""

DRIFTS = 0.5
"""Normalized values drift substantially where mean, or standard deviation, change by so many of their own standard
deviations: a normal value whose mean is half of it is positive in 69 % of the cases instead of half."""

MID_LOSS = 0.1
"""Mid-training: the training loss has fallen below this share of its initial value, and is falling."""

BALANCED = 0.15
"""Signs are balanced if the share of rows predicted below their target is no farther than this from one half."""
DECREASES = (0.01, 0.1)
"""An epoch of Adam that lowers the training loss by such a share can be matched by plain SGD: not by more, and for less
its steps are so small that float32 loses some."""

BATCHNORM_EPOCH = 10
"""The epoch at which the source looks at batch normalization, and the layer (the middle one)."""
BATCHNORM_LAYER = 1

ACCURATE_R2 = 0.95
"""The network performs the task accurately if the coefficient of determination on the test rows is at least this."""

LAYERS = (1, 2)
"""Hidden layers of the source's pictures, counted from 0: the second and the third."""
