"""Small networks of the usual kinds, each with a recorded path of a few steps, for the tests of directions."""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.experiment.model import MLP
from gradviz.experiment.studies.addition.study import STUDY as ADDITION
from gradviz.experiment.studies.deliveries.study import loss as deliveries_loss
from gradviz.landscape.directions.resolving import Surroundings
from gradviz.landscape.directions.vector import Parameters, parameters_of
from gradviz.landscape.replay import Problem
from gradviz.landscape.replay.examples import ConvolutionalNet, Example, example
from gradviz.landscape.request import Masks, Mode

POINTS = 5
EPOCHS = (0, 1, 2, 4)
MINIBATCHES = 3


@dataclass(frozen=True, eq=False)
class MemoryPath:
    """A path in memory; `models` after each of EPOCHS."""

    models: Sequence[nn.Module]
    epoch: int
    run: str = "adam"

    def epochs(self) -> Sequence[int]:
        return EPOCHS[: len(self.models)]

    def parameters(self, epoch: int) -> Parameters:
        return parameters_of(self.models[EPOCHS.index(epoch)])

    def of(self, run: str, epoch: int) -> Parameters:
        if run != self.run or epoch not in self.epochs():
            raise UserError(f"`run` must be adam with epochs {self.epochs()}, got {run}/{epoch}.")
        return self.parameters(epoch)


def _mlp(regularizer: str) -> Example:
    model = MLP(num_inputs=12, hidden=(10, 8, 6), regularizer=regularizer, output_scale=1.0)
    return Example(model, deliveries_loss, (torch.rand(7, 12), 3 * torch.randn(7)))


def _addition() -> Example:
    model = ADDITION.model(width=8, heads=2)
    rows = torch.tensor([[3, 5, 97], [90, 9, 97], [0, 1, 97], [44, 44, 97]])
    return Example(model, ADDITION.loss, (rows, rows[:, :2].sum(1) % 97))


MAKERS: dict[str, Callable[[], Example]] = {
    "none": lambda: _mlp("none"),
    "dropout": lambda: _mlp("dropout"),
    "batchnorm": lambda: _mlp("batchnorm"),
    "batchnorm after": lambda: _mlp("batchnorm(after)"),
    "cnn": lambda: example(ConvolutionalNet(channels=3, units=6), rows=5),
    "addition": _addition,
}


@functools.cache
def trained(name: str) -> tuple[Example, tuple[nn.Module, ...]]:
    """The network, its loss and a minibatch, and its states after a few steps of training."""
    torch.manual_seed(1)
    made = MAKERS[name]()
    model = made.model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    states = [copy.deepcopy(model).eval()]
    for _ in EPOCHS[1:]:
        for _ in range(2):
            optimizer.zero_grad()
            made.loss(model, made.batch).mean().backward()
            optimizer.step()
        states.append(copy.deepcopy(model).eval())
    return made, tuple(states)


def surroundings(
    name: str, mode: Mode = "eval", masks: Masks = "frozen", *, epoch: int = 2, dtype: torch.dtype = torch.float64
) -> Surroundings:
    """Of the network at an epoch; the minibatches are its rows in other orders and numbers."""
    made, states = trained(name)
    path = MemoryPath(states, epoch)
    model = states[EPOCHS.index(epoch)]

    def problem(number: int | None) -> Problem:
        batch = _rows(made.batch, number or 0)
        return Problem(model, made.loss, batch, mode, masks, num_masks=2, seed=3, dtype=dtype)

    return Surroundings(path, problem, MINIBATCHES, shown=0, centre=POINTS**2 // 2)


def _rows(batch: object, number: int) -> object:
    if isinstance(batch, dict):
        return {key: _rows(value, number) for key, value in batch.items()}
    if isinstance(batch, torch.Tensor):
        return batch[number:] if number else batch
    assert isinstance(batch, tuple)
    return tuple(_rows(value, number) for value in batch)


def flat(parts: Parameters, names: Sequence[tuple[str, int]]) -> np.ndarray:
    """One vector of all tensors by their names and sizes, 0 where there is none."""
    return np.concatenate([parts[name].numpy().ravel() if name in parts else np.zeros(size) for name, size in names])


def names_of(where: Surroundings) -> list[tuple[str, int]]:
    return [(name, part.numel()) for name, part in where.parameters().items()]
