"""How far two trainings are apart that differ in their number of CPU threads alone, from their checkpoints."""

import torch
from torch import Tensor

from gradviz.evidence.controls import Apart
from gradviz.experiment.run import Run


def apart_of(run: Run, other: Run, epoch: int) -> Apart:
    """Both at one epoch; UserError if a checkpoint of it, or of the run's epoch 0, is missing.

    The distance of their parameters θ and θ', over the way that the run has come from their common start: |θ' - θ| /
    |θ - θ₀|, of all trainable parameters at once. √2 where both have come as far, in unrelated directions.
    """
    with torch.no_grad():
        start, here, there = (_parameters(each, at) for each, at in ((run, 0), (run, epoch), (other, epoch)))
        distance = sum(_square(there[name], value) for name, value in here.items()) ** 0.5
        way = sum(_square(value, start[name]) for name, value in here.items()) ** 0.5
    return Apart(
        run=run.name,
        other=other.name,
        epoch=epoch,
        num_parameters=sum(value.numel() for value in here.values()),
        of_way=distance / way if way else None,
    )


def _parameters(run: Run, epoch: int) -> dict[str, Tensor]:
    return dict(run.model(epoch).named_parameters())


def _square(a: Tensor, b: Tensor) -> float:
    return float((a.double() - b.double()).square().sum())
