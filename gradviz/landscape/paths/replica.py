"""Trains one replica from the checkpoint along its schedule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradviz.experiment.continuation import Continuation, Moments
from gradviz.experiment.optimizers import Optimizer
from gradviz.landscape.paths.schedule import Schedule

# Shape suffixes: S = steps, B = rows of a minibatch, D = bytes of a random state.

OnPoint = Callable[[Sequence[Tensor]], None]


@dataclass(frozen=True, eq=False)
class Start:
    """Where all replicas begin: the run's parameters after `epoch`, and an optimizer with its state."""

    epoch: int
    state: Mapping[str, Tensor]
    optimizer: Optimizer
    moments: Moments


@dataclass(frozen=True, eq=False)
class Trained:
    """What a replica tells beside its path: the loss of each step's minibatch (float64), and the mean losses of all
    training and all test rows at its end, in eval mode."""

    losses_S: Tensor
    train_loss: float
    test_loss: float


def begin(run: Continuation, start: Start) -> None:
    """Puts the run's model and optimizer back to where all begin."""
    run.load(start.state, start.optimizer, start.moments)


class OwnDraws:
    """What the run itself drew, step by step: kept while it is taken, so that other schedules can take the same."""

    def __init__(self, run: Continuation, start: Start, steps_of_epoch: int) -> None:
        self._run, self._epoch, self._steps = run, start.epoch, steps_of_epoch
        self._states: list[Tensor] = []

    def before_step(self, number: int) -> None:
        """Sets the run's own random state before a step, counted from 0."""
        if number % self._steps == 0:
            self._run.seed_epoch(self._epoch + 1 + number // self._steps)
        state = self._run.draws()
        if number == 1 and torch.equal(state, self._states[0]):
            self._states.clear()  # nothing is drawn
        if number == 0 or self._states:
            self._states.append(state)

    def states(self, steps: int) -> Tensor:
        """(S, bytes) uint8: the random state before each step; (S, 0) if the steps draw nothing."""
        return torch.stack(self._states) if len(self._states) == steps else torch.empty((steps, 0), dtype=torch.uint8)


def before_step(run: Continuation, schedule: Schedule, states_SD: Tensor) -> Callable[[int], None]:
    """Sets the random state before each step of a schedule. `states_SD`: those before the run's own steps."""
    recorded_S = schedule.recorded_S
    if recorded_S is None:
        return lambda number: run.seed_draws(schedule.seed) if number == 0 else None
    if not states_SD.shape[1]:
        return lambda number: None
    return lambda number: run.set_draws(states_SD[recorded_S[number]].clone())


def train_replica(
    run: Continuation,
    start: Start,
    rows_SB: Tensor,
    points: Sequence[int],
    before: Callable[[int], None],
    on_point: OnPoint,
    on_step: Callable[[], None] = lambda: None,
) -> Trained:
    """Takes all steps; `on_point` gets the parameters after each number of steps in `points`, and must copy them.

    `before` is called with the number of each step before it. An exception of a callback ends the training. UserError
    if a loss is not finite.
    """
    run.load(start.state, start.optimizer, start.moments)
    wanted, losses = set(points), []
    for number, rows_B in enumerate(rows_SB):
        before(number)
        losses.append(run.step(rows_B))
        if number + 1 in wanted:
            on_point(numbers_of(run.model))
        on_step()
    train_loss, test_loss = run.losses()
    return Trained(torch.tensor(losses, dtype=torch.float64), train_loss, test_loss)


def numbers_of(model: nn.Module) -> list[Tensor]:
    """The parameters, each one flat and on the CPU, all in float32, or in float64 if one of them is."""
    dtype = number_type(model)
    return [_real(each.detach()).reshape(-1).to("cpu", dtype) for each in model.parameters()]


def number_type(model: nn.Module) -> torch.dtype:
    """Of `numbers_of`."""
    types = {_real(each.detach()).dtype for each in model.parameters()}
    return torch.float64 if torch.float64 in types else torch.float32


def num_numbers(model: nn.Module) -> int:
    """How many `numbers_of` has."""
    return sum(_real(each.detach()).numel() for each in model.parameters())


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
