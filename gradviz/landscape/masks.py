"""Masks that are a pure function of a seed and a number, for any order, batch size or device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.experiment.regularizers import Regularizer

# Shape suffixes: K = sets of masks, B = examples of a minibatch, N = units of the layer.


def numbered_masks(
    regularizer: Regularizer, seed: int, number: int, num_rows: int, widths: Sequence[int]
) -> list[Tensor]:
    """Masks (B, N), one per hidden layer: the `number`-th set of the stream `seed`, on the CPU."""
    sizes = [num_rows * width for width in widths]
    drawn = regularizer.drawn_by_number(seed, number, sizes)
    if drawn is not None:
        return [torch.from_numpy(part.reshape(num_rows, width)) for part, width in zip(drawn, widths, strict=True)]
    [mixed] = np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(mixed) >> 1)
    return [regularizer.draw(torch.empty(num_rows, width), generator) for width in widths]


def stacked_masks(
    regularizer: Regularizer, seed: int, numbers: Sequence[int], num_rows: int, widths: Sequence[int]
) -> list[Tensor]:
    """Masks (K, B, N), one per hidden layer: several sets of the stream, on the CPU."""
    sets = [numbered_masks(regularizer, seed, number, num_rows, widths) for number in numbers]
    return [torch.stack(layer_KBN) for layer_KBN in zip(*sets, strict=True)]
