"""The statistics once more, as anyone would write them down: float64, plain loops, nothing shared."""

import math
from itertools import combinations

import numpy as np
import torch

from gradviz.landscape.masks import numbered_masks
from tests.landscape.cases import Case

NUM_MINIBATCHES, SIZE = 6, 8


def gradients_by_autograd(
    case: Case, *, mode: str = "eval", numbers=None, seed: int = 0
) -> list[dict[str, np.ndarray]]:
    """One dict of gradients a minibatch; `numbers[k]` are the sets of masks whose gradients are averaged."""
    model = case.model.double().train(mode == "train")
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    found = []
    for k in range(NUM_MINIBATCHES):
        rows = slice(k * SIZE, (k + 1) * SIZE)
        sums = {name: np.zeros(parameter.shape) for name, parameter in model.named_parameters()}
        sets = [None] if numbers is None else numbers[k]
        for number in sets:
            masks = None if number is None else numbered_masks(model.regularizer, seed, number, SIZE, model.widths)
            model.zero_grad()
            (model(case.inputs[rows].double(), masks) - case.targets[rows].double()).abs().mean().backward()
            for name, parameter in model.named_parameters():
                assert parameter.grad is not None
                sums[name] += parameter.grad.numpy() / len(sets)
        found.append(sums)
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    model.eval()
    return found


def agreement_by_loops(gradients: list[np.ndarray]) -> dict[str, float]:
    """Of gradients that are not zero."""
    units = [g / math.sqrt(sum(x * x for x in g)) for g in gradients]
    cosines = [sum(a * b for a, b in zip(u, v, strict=True)) for u, v in combinations(units, 2)]
    norms = [math.sqrt(sum(x * x for x in g)) for g in gradients]
    mean_norm = sum(norms) / len(norms)
    same = both = 0
    for g, h in combinations(gradients, 2):
        for a, b in zip(g, h, strict=True):
            both += a != 0 and b != 0
            same += a * b > 0
    return {
        "resultant": math.sqrt(sum(x * x for x in np.sum(units, axis=0))) / len(units),
        "cosine": sum(cosines) / len(cosines),
        "opposite": sum(c < 0 for c in cosines) / len(cosines),
        "beyond_150": sum(math.degrees(math.acos(max(-1.0, min(1.0, c)))) > 150 for c in cosines) / len(cosines),
        "norm_variation": math.sqrt(sum((n - mean_norm) ** 2 for n in norms) / (len(norms) - 1)) / mean_norm,
        "sign_agreement": same / both,
    }
