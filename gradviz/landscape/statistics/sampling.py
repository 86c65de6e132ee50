"""How far another minibatch of the same size would turn the arrow: the covariance of minibatches' gradients of two
parameters, exactly, from the gradients of all rows.

A minibatch of n of N rows, drawn without replacement, has a mean gradient with the mean of all rows and the covariance
(1/n - 1/N) S, S that of the rows with divisor N - 1 (Cochran, Sampling Techniques, 3rd ed. 1977, theorem 2.2). For many
rows it is nearly normal, and 95 % of minibatches lie within the ellipse (g - mean)' C⁻¹ (g - mean) ≤ 5.99.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.network import Network
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.rows import check_rows
from gradviz.landscape.statistics.per_example import row_entries

# Shape suffixes: R = rows, 2 = the two parameters, M = inputs of the network.

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Sampling:
    """Of minibatches of `num_rows` out of `of_rows` rows: the mean (`u`, `v`) of their gradients, and its variances
    `uu`, `vv` and covariance `uv`, in units of the gradient squared."""

    num_rows: int
    of_rows: int
    u: float
    v: float
    uu: float
    uv: float
    vv: float


def sampling_of(gradients_R2: Tensor, num_rows: int) -> Sampling:
    """From the gradients of all rows; `num_rows` of them make a minibatch."""
    of_rows = len(gradients_R2)
    assert 1 <= num_rows <= of_rows
    gradients_R2 = gradients_R2.double()
    mean_2 = gradients_R2.mean(0)
    away_R2 = gradients_R2 - mean_2
    share = (1 / num_rows - 1 / of_rows) / max(1, of_rows - 1)
    u, v = mean_2.tolist()
    (uu, uv), (_, vv) = (share * (away_R2.T @ away_R2)).tolist()
    return Sampling(num_rows, of_rows, u, v, uu, uv, vv)


def pair_sampling(
    network: Network, inputs_RM: Tensor, targets_R: Tensor, pair: Sequence[ParameterRef], num_rows: int
) -> Sampling:
    """Of the built-in network without masks and with running statistics, some rows at a time."""
    check_rows(network, inputs_RM, targets_R)
    parts = zip(inputs_RM.split(ROWS_AT_ONCE), targets_R.split(ROWS_AT_ONCE), strict=True)
    return sampling_of(torch.cat([row_entries(network, *rows, pair) for rows in parts]), num_rows)
