"""What there is to measure: the run that plays each role, and its epochs that the claims speak of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, Protocol

from gradviz.errors import UserError
from gradviz.evidence import rules
from gradviz.evidence.controls import OtherPreset
from gradviz.evidence.parts import Part
from gradviz.evidence.path_taking import KeptPaths, nothing_kept
from gradviz.evidence.roles import PLAIN, Role, cast, role_of
from gradviz.evidence.selection import check_network, drawn_epoch, falling, mid_training, paths_epoch
from gradviz.evidence.verdict import Shown
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import PRESETS
from gradviz.experiment.studies.deliveries.replicates import replicates
from gradviz.experiment.study_run import StudyRun


class NotThere(UserError):
    """A measurement needs a run or a checkpoint that is not there; the message says what to do, `shown` where."""

    def __init__(self, message: str, shown: Shown | None = None) -> None:
        super().__init__(message)
        self.shown = shown


class When(StrEnum):
    """An epoch that the text speaks of."""

    START = "start"
    MID = "mid"
    TENTH = "tenth"
    """The source's epoch for batch normalization."""


Place = Literal["shown first", "before the norm", "in the norm"]
"""Pairs of parameters of any network: those that the page shows first; two biases whose units a batch normalization
follows, and its two β."""


class Setting(Protocol):
    """The runs of one study that the claims are about."""

    @property
    def runs(self) -> Mapping[Role, Run | StudyRun]: ...
    def epoch(self, role: Role, when: When) -> int: ...
    def is_there(self, role: Role, when: When) -> bool: ...
    def mid_training(self) -> tuple[int, ...]: ...
    def pairs_of(self, role: Role, place: Place) -> tuple[tuple[str, str], ...]: ...
    def has(self, role: Role, place: Place) -> bool: ...
    def check(self, role: Role) -> None: ...
    def by_threads(self, role: Role) -> "Setting | None": ...
    def apart_parts(self) -> list[Part]: ...


@dataclass(frozen=True)
class Studied:
    """`runs` by role; of each run, by name, the measured epochs with a checkpoint, and the mid-training epoch drawn,
    where there is one. `of_other_presets`: a run without regularizer of each preset but that of the one that plays this
    role, the first by name. `of_other_threads`: of a role's run the same training with another number of CPU threads,
    the first by name."""

    runs: Mapping[Role, Run]
    epochs: Mapping[str, tuple[int, ...]]
    mid_epochs: Mapping[str, int]
    of_other_presets: tuple[Run, ...] = ()
    of_other_threads: Mapping[Role, Run] = field(default_factory=dict)
    kept_paths: KeptPaths = nothing_kept

    @classmethod
    def of(cls, store: RunStore, kept_paths: KeptPaths = nothing_kept) -> "Studied":
        """As the store is now; runs without a measured checkpoint play no role. `kept_paths` finds measured paths."""
        epochs: dict[str, tuple[int, ...]] = {}
        existing = store.runs()
        for run in existing:
            there = set(run.epochs())
            epochs[run.name] = tuple(line.epoch for line in run.metrics() if line.epoch in there)
        runs = cast(run for run in existing if epochs[run.name])
        drawn = {run.name: drawn_epoch(run.metrics(), epochs[run.name]) for run in runs.values()}
        by_preset = {runs[PLAIN].config.preset: runs[PLAIN]} if PLAIN in runs else {}
        for run in existing if PLAIN in runs else ():
            if epochs[run.name] and role_of(run.config) == PLAIN and run.config.preset in PRESETS:
                by_preset.setdefault(run.config.preset, run)
        others = tuple(run for run in by_preset.values() if run is not runs.get(PLAIN))
        by_threads = {
            role: replicates(run, (each for each in existing if epochs[each.name])) for role, run in runs.items()
        }
        return cls(
            runs,
            epochs,
            {name: epoch for name, epoch in drawn.items() if epoch is not None},
            others,
            {role: found[0] for role, found in by_threads.items() if found},
            kept_paths,
        )

    def epoch(self, role: Role, when: When) -> int:
        """KeyError if no run plays the role; NotThere if its run has no such checkpoint: no other takes its place."""
        run = self.runs[role].name
        return there(run, when, self.epochs[run], self.mid_epochs.get(run))

    def is_there(self, role: Role, when: When) -> bool:
        """Whether the run that plays the role has that checkpoint."""
        return has_epoch(self, role, when)

    def pairs_of(self, role: Role, place: Place) -> tuple[tuple[str, str], ...]:
        """None but those of the source's own pictures."""
        return ()

    def has(self, role: Role, place: Place) -> bool:
        """Whether a run plays the role: all have the parameters of the source's pictures."""
        return role in self.runs

    def check(self, role: Role) -> None:
        """UserError unless the network has the layers that the source draws."""
        check_network(self.runs[role].config)

    def by_threads(self, role: Role) -> "Studied | None":
        """The same with the role played by the same training with another number of CPU threads; None without it."""
        other = self.of_other_threads.get(role)
        if other is None:
            return None
        drawn = drawn_epoch(other.metrics(), self.epochs[other.name])
        middle = {} if drawn is None else {other.name: drawn}
        runs, mid_epochs = {**self.runs, role: other}, {**self.mid_epochs, **middle}
        return replace(self, runs=runs, mid_epochs=mid_epochs, of_other_presets=(), of_other_threads={})

    def apart_parts(self) -> list[Part]:
        """How far such trainings are from the roles' runs, where both have a checkpoint: after the first epoch, at the
        mid-training one that is drawn, and after the last one."""
        found = []
        for role, other in self.of_other_threads.items():
            own = self.runs[role].name
            both = sorted({*self.epochs[own]} & {*self.epochs[other.name]} - {0})
            wanted = [epoch for epoch in both if epoch in (1, self.mid_epochs.get(own), both[-1])]
            found += [Part("apart", own, epoch, other=other.name) for epoch in wanted]
        return found

    def mid_training(self) -> tuple[int, ...]:
        """The epochs of all mid-training checkpoints without regularizer."""
        plain = self.runs.get(PLAIN)
        return () if plain is None else self._measured(plain, mid_training(plain.metrics()))

    def falling(self) -> tuple[int, ...]:
        """The epochs of all checkpoints without regularizer whose training loss falls, but the last."""
        plain = self.runs.get(PLAIN)
        return () if plain is None else self._measured(plain, falling(plain.metrics()))

    def paths_epoch(self) -> int | None:
        """The epoch without regularizer from which paths are taken."""
        plain = self.runs.get(PLAIN)
        return None if plain is None else paths_epoch(plain.metrics(), self.epochs[plain.name])

    def others(self) -> tuple[OtherPreset, ...]:
        """Those of mid-training, and all that fall, of the runs of other presets."""
        return tuple(
            OtherPreset(
                run=run.name,
                preset=run.config.preset,
                mid_training=self._measured(run, mid_training(run.metrics())),
                falling=self._measured(run, falling(run.metrics())),
            )
            for run in self.of_other_presets
        )

    def _measured(self, run: Run, epochs: Iterable[int]) -> tuple[int, ...]:
        there = set(self.epochs[run.name])
        return tuple(epoch for epoch in epochs if epoch in there)

    def least_balanced(self) -> int | None:
        """The one of them whose share of rows below their target is farthest from one half: where balance can change
        most, and random minibatches agree best. None without mid-training."""
        wanted = set(self.mid_training())
        lines = [line for line in self.runs[PLAIN].metrics() if line.epoch in wanted] if wanted else []
        return max(lines, key=lambda line: abs(line.share_below_target - 0.5)).epoch if lines else None


def there(run: str, when: When, epochs: Sequence[int], mid_epoch: int | None) -> int:
    """The epoch of a run that the text speaks of; NotThere if it is none of its `epochs`."""
    if when == When.MID:
        if mid_epoch is None:
            raise NotThere(f"The run {run} has no checkpoint of mid-training yet: train more epochs, in Training.")
        return mid_epoch
    wanted = 0 if when == When.START else rules.BATCHNORM_EPOCH
    if wanted in epochs:
        return wanted
    remedy = "train more epochs" if wanted > max(epochs) else "train it again"
    raise NotThere(f"The run {run} has no checkpoint of epoch {wanted}: {remedy}, in Training.")


def has_epoch(studied: Setting, role: Role, when: When) -> bool:
    """Whether a run plays the role and has that checkpoint."""
    if role not in studied.runs:
        return False
    try:
        studied.epoch(role, when)
    except NotThere:
        return False
    return True
