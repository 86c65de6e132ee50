"""What there is to measure of another study than deliveries: the runs that play the roles, by what their models do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gradviz.evidence.parts import Part
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, Role
from gradviz.evidence.selection import falling, mid_training
from gradviz.evidence.studied import Place, When, has_epoch, there
from gradviz.experiment.anatomy import Anatomy
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun

Pairs = tuple[tuple[str, str], ...]


class Loss(NamedTuple):
    """The training loss of an epoch."""

    epoch: int
    train_loss: float


@dataclass(frozen=True)
class StudiedRuns:
    """`runs` of the study by role; of each, by name, its epochs with a checkpoint, and the mid-training epoch drawn,
    where there is one.

    `cannot`: why none of its runs can be looked at; None if one can.
    """

    study: str
    runs: Mapping[Role, StudyRun]
    epochs: Mapping[str, tuple[int, ...]]
    mid_epochs: Mapping[str, int]
    cannot: str | None = None

    @classmethod
    def of(cls, store: RunStore, study: str) -> "StudiedRuns":
        """As the store is now; a run whose model both draws masks and uses batch statistics plays no role."""
        found: dict[Role, StudyRun] = {}
        cannot = None
        for run in store.study_runs():
            if run.study_name != study or not run.epochs():
                continue
            reason = run.cannot()
            if reason is not None:
                cannot = cannot or reason
            elif (role := role_of(run)) is not None:
                found.setdefault(role, run)
        epochs = {run.name: tuple(run.epochs()) for run in found.values()}
        drawn = {run.name: _drawn(_mid_training(run), epochs[run.name]) for run in found.values()}
        mid_epochs = {name: epoch for name, epoch in drawn.items() if epoch is not None}
        return cls(study, found, epochs, mid_epochs, None if found else cannot)

    def epoch(self, role: Role, when: When) -> int:
        """KeyError if no run plays the role; NotThere if its run has no such checkpoint: no other takes its place."""
        name = self.runs[role].name
        return there(name, when, self.epochs[name], self.mid_epochs.get(name))

    def is_there(self, role: Role, when: When) -> bool:
        """Whether the run that plays the role has that checkpoint."""
        return has_epoch(self, role, when)

    def mid_training(self) -> tuple[int, ...]:
        """The epochs of all mid-training checkpoints of the plain run."""
        plain = self.runs.get(PLAIN)
        return () if plain is None else tuple(e for e in _mid_training(plain) if e in self.epochs[plain.name])

    def falling(self) -> tuple[int, ...]:
        """The epochs of all its checkpoints whose training loss falls, but the last."""
        plain = self.runs.get(PLAIN)
        return () if plain is None else tuple(e for e in falling(_losses(plain)) if e in self.epochs[plain.name])

    def pairs_of(self, role: Role, place: Place) -> Pairs:
        return pairs_of(self.runs[role].anatomy, place)

    def has(self, role: Role, place: Place) -> bool:
        """Whether a run plays the role whose network has pairs there."""
        return role in self.runs and bool(self.pairs_of(role, place))

    def check(self, role: Role) -> None:
        """Any network will do."""

    def by_threads(self, role: Role) -> None:
        """Trainings with another number of CPU threads are compared in runs of deliveries alone."""

    def apart_parts(self) -> list[Part]:
        return []


def role_of(run: StudyRun) -> Role | None:
    """The role that the run can play: with masks as dropout draws them, with batch statistics, or with neither."""
    able = run.capabilities
    if able.draws_masks and able.has_batch_statistics:
        return None
    return DROPOUT if able.draws_masks else BATCHNORM if able.has_batch_statistics else PLAIN


def pairs_of(anatomy: Anatomy, place: Place) -> Pairs:
    """The pairs of a network's parameters there; none if it has none."""
    if place == "shown first":
        suggested = anatomy.suggested()
        return () if suggested is None else tuple(dict.fromkeys((suggested["a"], suggested["b"])))
    tensors = {(tensor.layer, tensor.kind): tensor for tensor in anatomy.tensors}
    found = []
    for before, norm in zip(anatomy.layers, anatomy.layers[1:], strict=False):
        bias, beta = tensors.get((before.name, "bias")), tensors.get((norm.name, "beta"))
        if bias is None or beta is None or "BatchNorm" not in norm.module:
            continue
        if bias.shape == beta.shape and bias.shape[0] > 1:
            found.append((bias.name, beta.name))
    if not found:
        return ()
    bias, beta = found[len(found) // 2]
    name = bias if place == "before the norm" else beta
    return ((f"{name}[0]", f"{name}[1]"),)


def _mid_training(run: StudyRun) -> list[int]:
    return mid_training(_losses(run))


def _losses(run: StudyRun) -> list[Loss]:
    lines = [Loss(line.epoch, line.values.get("train_loss", math.nan)) for line in run.metrics()]
    return [line for line in lines if math.isfinite(line.train_loss)]


def _drawn(middle: list[int], there: tuple[int, ...]) -> int | None:
    """The middle one of mid-training."""
    known = [epoch for epoch in middle if epoch in there]
    return known[len(known) // 2] if known else None
