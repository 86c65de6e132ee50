"""Training on from a recorded checkpoint, minibatch by minibatch, exactly as the run was trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from gradviz.errors import UserError
from gradviz.experiment.batches import Batch
from gradviz.experiment.optimizer_state import made_optimizer, restore, state_by_name
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.tensor_file import TensorShape

# Shape suffixes: S = steps of an epoch, B = rows of a minibatch.

Moments = Mapping[str, Tensor]
"""The state of an optimizer by the names of the parameters, as `state_by_name` gives it."""

MomentsSource = Literal["none", "saved", "trained again"]


class Continuation(Protocol):
    """A run as a training that goes on from any of its checkpoints.

    It holds one model and one optimizer: `load` sets both, `step` moves them. Rows are numbers of training rows. What a
    step draws, such as masks, comes from a random state that `seed_epoch` and `seed_draws` set, and that can be read
    and set between two steps: the same state gives the same step. Nothing changes the global random state.
    """

    name: str
    optimizer: Optimizer
    num_train: int
    batch_size: int
    threads: int

    @property
    def model(self) -> nn.Module:
        """The model that moves; in train mode between two steps."""
        ...

    def address(self, epoch: int) -> str:
        """Identifies the checkpoint, and all that determines how the run goes on from it."""
        ...

    def epochs(self) -> list[int]:
        """Those with a checkpoint, ascending."""
        ...

    def state(self, epoch: int) -> dict[str, Tensor]:
        """The model's recorded state; UserError if there is none."""
        ...

    def saved_moments(self) -> tuple[int, dict[str, Tensor]] | None:
        """The optimizer's state that the run keeps, and after which epoch; None if it keeps none that is usable."""
        ...

    def moment_shapes(self) -> Mapping[str, TensorShape]:
        """What the run's own optimizer keeps after a step; nothing if it keeps nothing."""
        ...

    def minibatches(self, epoch: int) -> Tensor:
        """(S, B): the rows of the run's own minibatches in an epoch, in their order."""
        ...

    def load(self, state: Mapping[str, Tensor], optimizer: Optimizer, moments: Moments) -> None:
        """Sets the model and an optimizer with its state; an empty one before the first step."""
        ...

    def seed_epoch(self, epoch: int) -> None:
        """Begins to draw what the run itself drew in this epoch."""
        ...

    def seed_draws(self, seed: int) -> None:
        """Begins to draw something else, by a seed."""
        ...

    def draws(self) -> Tensor:
        """The random state, uint8."""
        ...

    def set_draws(self, state: Tensor) -> None: ...

    def step(self, rows_B: Tensor) -> float:
        """One step; returns the minibatch's loss before it. UserError if that is not finite."""
        ...

    def batch(self, rows_B: Tensor) -> Batch:
        """Training rows as the run's study reads them."""
        ...

    def drawn_at(self, rows_B: Tensor) -> int | None:
        """The number of the run's minibatch of this size, as landscapes are drawn at, that has these rows in any order;
        None if none has, or they cannot be told apart."""
        ...

    def losses(self) -> tuple[float, float]:
        """The mean losses of the training rows and of the test rows, in eval mode."""
        ...

    def moments(self) -> dict[str, Tensor]:
        """A copy of the optimizer's present state."""
        ...


class NotFinite(UserError):
    """A training broke down."""


@dataclass
class Stepping:
    """A model with an optimizer, as `Continuation` holds them."""

    model: nn.Module
    optimizer: torch.optim.Optimizer

    @classmethod
    def loaded(cls, model: nn.Module, optimizer: Optimizer, moments: Moments) -> "Stepping":
        """With an optimizer of its own that goes on from `moments`."""
        model.train()
        made = made_optimizer(optimizer, list(model.parameters()))
        restore(model, made, moments)
        return cls(model, made)

    def moments(self) -> dict[str, Tensor]:
        return state_by_name(self.model, self.optimizer)


@dataclass(frozen=True, eq=False)
class TrainedAgain:
    """A run that is trained again, after an epoch: from here it goes on to the same numbers."""

    epoch: int
    state: Mapping[str, Tensor]
    moments: Moments


def own_moments(
    run: Continuation,
    epoch: int,
    on_step: Callable[[int, int], None] = lambda done, steps: None,
    *,
    begun: TrainedAgain | None = None,
    on_epoch: Callable[[TrainedAgain], None] = lambda so_far: None,
) -> tuple[dict[str, Tensor], MomentsSource]:
    """The state of the run's own optimizer after an epoch, and where it is from.

    A run keeps it for its last epoch. For others the run is trained again from epoch 0, which costs `epoch` epochs, or
    from what has `begun`; `on_step` gets the steps done and all, and may raise to end that; `on_epoch` gets what may
    begin the next call. UserError if epoch 0 is not recorded.
    """
    if epoch == 0 or not run.moment_shapes():
        return {}, "none"
    saved = run.saved_moments()
    if saved is not None and saved[0] == epoch:
        return saved[1], "saved"
    if 0 not in run.epochs():
        raise UserError(
            f"The run {run.name} keeps the moments of its optimizer for its last epoch alone, and has no epoch 0 from "
            f"which to train again to epoch {epoch}: choose `--optimizer sgd`."
        )
    begun = begun or TrainedAgain(0, run.state(0), {})
    run.load(begun.state, run.optimizer, begun.moments)
    steps, done = (epoch - begun.epoch) * len(run.minibatches(1)), 0
    for past in range(begun.epoch + 1, epoch + 1):
        run.seed_epoch(past)
        for rows_B in run.minibatches(past):
            run.step(rows_B)
            done += 1
            on_step(done, steps)
        if past < epoch:
            on_epoch(TrainedAgain(past, run.model.state_dict(), run.moments()))
    return run.moments(), "trained again"
