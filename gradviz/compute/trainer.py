"""The server's interface to a trainer, wherever it trains: its status, and how to start and stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gradviz.experiment.lock import Holder
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.taking_up import wanted_names

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
        """The state of the trainer, and the progress of each run."""
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


def trains_here(store: RunStore, study: str = "") -> bool:
    """Whether the background training, which is of deliveries, belongs in this directory of runs: not where another
    `study` is named, or only runs of others are, before a run of deliveries has begun."""
    return bool(store.runs()) or not (study not in ("", OWN_STUDY) or store.study_runs())


def progress_of(store: RunStore) -> tuple[RunProgress, ...]:
    """Progress of each run that the trainer may train. Costs a few small reads."""
    return tuple(RunProgress(run.name, max(run.epochs(), default=None), run.config.epochs) for run in store.runs())


def resting(progress: Sequence[RunProgress], usual: Sequence[str]) -> TrainerStatus:
    """The status while nothing trains and nothing has failed; `usual`: the runs to train in any case."""
    wanted = wanted_names([run.name for run in progress], usual)
    if {run.name for run in progress if run.finished}.issuperset(wanted):
        return TrainerStatus("finished", None, tuple(progress), "All runs are trained.")
    if not progress:
        return TrainerStatus("empty", None, (), "Nothing is trained yet.")
    return TrainerStatus("stopped", None, tuple(progress), "The training is stopped; every saved epoch is kept.")
