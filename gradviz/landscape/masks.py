"""Dropout masks that are a pure function of a seed and a number, whatever the order, the batch size or the device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

# Shape suffixes: B = examples of a minibatch, N = units of the layer.


def dropout_masks(seed: int, number: int, num_rows: int, widths: Sequence[int], dropout: float) -> list[Tensor]:
    """Keep-masks (B, N) of dtype bool, one per hidden layer: the `number`-th set of the stream `seed`.

    A unit is kept with probability 1 - `dropout`, to within 2^-17: the comparison is made on 16 random bits, which is
    what makes a fresh set at every grid point affordable. The stream is SFC64 seeded with (seed, number), which numpy
    promises not to change.
    """
    sizes = [num_rows * width for width in widths]
    raw = np.random.SFC64((seed, number)).random_raw((sum(sizes) + 3) // 4).view(np.uint16)
    kept = raw >= round(dropout * 2**16)
    parts = np.split(kept[: sum(sizes)], np.cumsum(sizes)[:-1])
    return [torch.from_numpy(part.reshape(num_rows, width)) for part, width in zip(parts, widths, strict=True)]
