"""A training as others see it: its progress, its messages, and how it ended."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from gradviz.errors import UserError
from gradviz.experiment.interruption import Stopped, StopRequest

OnMessage = Callable[[str], None]


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a training: after one of the `steps` of an epoch, or when its checkpoint has been `saved`.

    `train_loss`: of the minibatch, or of all training rows when saved; `test_r2`: of the last saved epoch (None
    before); `rows_per_second`: training rows of this epoch; `seconds_left`: for all runs of this training (None before
    a step).
    """

    run: str
    epoch: int
    epochs: int
    step: int
    steps: int
    train_loss: float
    test_r2: float | None
    rows_per_second: float
    seconds_left: float | None
    saved: bool


@dataclass(frozen=True)
class TrainingOutcome:
    """How a training ended: `finished`, or stopped on request, by a signal (its number) or by a call (None)."""

    finished: bool
    signal: int | None = None


def outcome_of(
    work: Callable[[], None], asked: StopRequest, device: torch.device, on_message: OnMessage
) -> TrainingOutcome:
    """Trains, and tells how it ended; UserError if the device has too little memory."""
    try:
        work()
    except Stopped:
        on_message("Stopped. Saved epochs are kept; rerun to continue.")
        return TrainingOutcome(False, asked.signal)
    except torch.OutOfMemoryError as error:
        raise UserError(f"The memory of {device} is too small for this training: use `--device cpu`.") from error
    return TrainingOutcome(True)
