"""Masks that are a pure function of a seed and a number, for any order, batch size or device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.experiment.regularizers import Regularizer

# Shape suffixes: B = examples of a minibatch, N = units of the layer.


def numbered_masks(
    regularizer: Regularizer, seed: int, number: int, num_rows: int, widths: Sequence[int]
) -> list[Tensor]:
    """Masks (B, N), one per hidden layer: the `number`-th set of the stream `seed`, on the CPU."""
    sizes = [num_rows * width for width in widths]
    drawn = regularizer.drawn_by_number(seed, number, sizes)
    if drawn is not None:
        parts = [torch.from_numpy(part) for part in drawn]
        return [part.reshape(num_rows, width) for part, width in zip(parts, widths, strict=True)]
    [mixed] = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(mixed) >> 1)
    return [regularizer.draw(torch.empty(num_rows, width), generator) for width in widths]
