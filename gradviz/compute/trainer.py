"""The trainer as a server sees it, wherever it trains: what it does now, and how to start and stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gradviz.experiment.lock import Holder
from gradviz.experiment.store import RunStore

State = Literal["running", "stopping", "stopped", "finished", "failed", "empty"]


@dataclass(frozen=True)
class RunProgress:
    """`epoch`: the last one saved, None before the first; `epochs`: how many are asked for."""

    name: str
    epoch: int | None
    epochs: int

    @property
    def finished(self) -> bool:
        return self.epoch is not None and self.epoch >= self.epochs


@dataclass(frozen=True)
class TrainerStatus:
    """`message` is one sentence for the page; `refused` tells a failure that another start would meet again."""

    state: State
    holder: Holder | None
    progress: tuple[RunProgress, ...]
    message: str
    refused: bool = False


class Trainer(Protocol):
    """One training at a time for one directory of runs, however many servers ask for it."""

    def status(self) -> TrainerStatus:
        """What the trainer does now, and how far each run is."""
        ...

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Starts it unless it is running. `arguments` are further options of `gradviz train`."""
        ...

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks it to stop, and returns soon; saved epochs are kept.

        `background_only`: only one that belongs to this machine's server, and returns when that has ended.
        """
        ...

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Begins all runs afresh: what was trained is replaced."""
        ...

    def delete(self, name: str) -> TrainerStatus:
        """Deletes one run; UserError while it is being trained."""
        ...


def progress_of(store: RunStore) -> tuple[RunProgress, ...]:
    """How far each run is. Costs a few small reads."""
    runs = [store.run(name) for name in store.names()]
    return tuple(RunProgress(run.name, max(run.epochs(), default=None), run.config.epochs) for run in runs)


def resting(progress: Sequence[RunProgress], variants: Sequence[str]) -> TrainerStatus:
    """What is said while nothing trains and nothing went wrong; `variants`: what should be trained."""
    if {run.name for run in progress if run.finished}.issuperset(variants):
        return TrainerStatus("finished", None, tuple(progress), "All runs are trained.")
    if not progress:
        return TrainerStatus("empty", None, (), "Nothing is trained yet.")
    return TrainerStatus("stopped", None, tuple(progress), "The training is stopped; every saved epoch is kept.")
