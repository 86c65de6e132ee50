"""The server's interface to a trainer, wherever it trains: its status, and how to start and stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gradviz.experiment.lock import Holder

State = Literal["running", "stopping", "stopped", "finished", "failed", "empty"]


@dataclass(frozen=True)
class RunProgress:
    """`epoch`: the last one saved, None before the first; `epochs`: the planned number."""

    name: str
    epoch: int | None
    epochs: int

    @property
    def finished(self) -> bool:
        return self.epoch is not None and self.epoch >= self.epochs


@dataclass(frozen=True)
class TrainerStatus:
    """`message` is one sentence for the page; `refused` marks a failure that a restart would repeat."""

    state: State
    holder: Holder | None
    progress: tuple[RunProgress, ...]
    message: str
    refused: bool = False


class Trainer(Protocol):
    """One training at a time for one directory of runs, for any number of servers."""

    def status(self) -> TrainerStatus:
        """The state of the trainer, and the progress of each run that it may train."""
        ...

    def trains(self) -> bool:
        """Whether its training belongs in this directory of runs, to be started and stopped."""
        ...

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Starts it unless it is running. `arguments` are more options of `gradviz train`."""
        ...

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks it to stop, and returns soon; keeps saved epochs.

        `background_only`: stops only the trainer of this machine's server, and returns when it has ended.
        """
        ...

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Starts all runs over, and replaces their checkpoints."""
        ...

    def delete(self, name: str) -> TrainerStatus:
        """Deletes one run; UserError while it is training."""
        ...
