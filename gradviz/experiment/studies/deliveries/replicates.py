"""Replicates by threads: the same training with another number of CPU threads, which rounds sums differently."""

from collections.abc import Iterable
from dataclasses import dataclass

from gradviz.errors import UserError
from gradviz.experiment.cpu_threads import threads_words
from gradviz.experiment.names import MOST_LABEL
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.config import TrainingConfig

_MOST_NAME = 64


@dataclass(frozen=True)
class Replicate:
    """A training that repeats another one with `num_threads` CPU threads: to begin, or to continue."""

    config: TrainingConfig
    num_threads: int


def replicates(run: Run, runs: Iterable[Run]) -> list[Run]:
    """Those of `runs` that repeat a run from the same start, with the same torch and other CPU threads, in their
    order."""
    return [other for other in runs if _repeats(run, other)]


def replicate_of(run: Run, runs: Iterable[Run], num_threads: int | None = None) -> Replicate:
    """The replicate of a run among `runs`, else a new one with `num_threads`, by default 1, or 2 if the run has 1.

    It goes as far as the run does. UserError if the run has this number itself, or records none.
    """
    own = run.record.num_threads
    if own is None:
        raise UserError(
            f"The run {run.name} does not record its number of CPU threads, so no other number can be chosen: train it"
            " again with `--fresh`."
        )
    if num_threads == own:
        raise UserError(
            f"The run {run.name} was trained with {own} CPU threads: set GRADVIZ_THREADS to another number."
        )
    for other in replicates(run, runs):
        known = other.record.num_threads
        if known is not None and num_threads in (None, known):
            return Replicate(_like(run, other.name, other.config.label), known)
    chosen = num_threads or (1 if own > 1 else 2)
    words = f", {threads_words(chosen)}"
    end = f"-threads-{chosen}"
    return Replicate(
        _like(run, run.name[: _MOST_NAME - len(end)] + end, run.title[: MOST_LABEL - len(words)] + words), chosen
    )


def _like(run: Run, name: str, label: str) -> TrainingConfig:
    return run.config.model_copy(update={"name": name, "label": label})


def _repeats(run: Run, other: Run) -> bool:
    here, there = run.record, other.record
    return (
        None not in (here.num_threads, there.num_threads)
        and here.num_threads != there.num_threads
        and (here.torch_version, here.preset) == (there.torch_version, there.preset)
        and not run.config.differences(other.config)
        and 0 in run.epochs()
        and 0 in other.epochs()
        and run.digest(0) == other.digest(0)
    )
