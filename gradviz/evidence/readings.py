"""What the rules read: each measurement knows its runs, the questions that it takes, and its place in the evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gradviz.evidence.controls import (
    ChosenRows,
    Drift,
    OtherPreset,
    PathsFound,
    PathsOptimizer,
    RandomPairs,
    RoughPairs,
)
from gradviz.evidence.gathering import (
    checkpoint_part,
    chosen_parts,
    drift_part,
    loop_fields,
    mid_pairs_parts,
    others_asked,
    scene_asked,
)
from gradviz.evidence.measurements import Ablation, Checkpoint, Evidence, Null, RoundOff, Scene
from gradviz.evidence.parts import Asked, Part
from gradviz.evidence.path_taking import command_of, paths_request
from gradviz.evidence.roles import BATCHNORM, PLAIN, Role
from gradviz.evidence.scenes import LINEAR_BATCHNORM, MID_PLAIN, MINIBATCH_SIZE, SceneDesign
from gradviz.evidence.studied import NotThere, Studied, When
from gradviz.evidence.values import BIASES
from gradviz.evidence.verdict import Shown
from gradviz.experiment.run_record import RunRecord

_T = TypeVar("_T")


@dataclass(frozen=True)
class Reading(Generic[_T]):
    """A measurement of the runs in some `roles`. `asked`: its questions, where all these roles are played; NotThere if
    a checkpoint is missing. `of`: the measurement as the evidence has it, None if it was not made. `designs`: the
    pictures that it is read off. `is_kept`: it is not asked for, but was measured before, by `gradviz paths`."""

    roles: tuple[Role, ...]
    asked: Callable[[Any], Sequence[Asked]]  # of a Setting
    of: Callable[[Any], _T | None]  # of an Evidence or a StudyEvidence
    designs: tuple[SceneDesign, ...] = ()
    is_kept: bool = False


def scene(design: SceneDesign) -> Reading[Scene]:
    """A picture of the source."""
    return Reading(
        (design.role,),
        lambda studied: scene_asked(design.placed(studied), studied),
        lambda evidence: evidence.scene(design.key),
        (design,),
    )


@dataclass(frozen=True)
class LastEpoch:
    """How a run ended."""

    record: RunRecord
    checkpoint: Checkpoint


def _last_asked(studied: Studied) -> list[Asked]:
    run = studied.runs[PLAIN].name
    return [checkpoint_part(studied, run, studied.epochs[run][-1])]


def _last_of(evidence: Evidence) -> LastEpoch | None:
    checkpoints, record = evidence.of_role(PLAIN), evidence.record(PLAIN)
    return LastEpoch(record, checkpoints[-1]) if record is not None and checkpoints else None


LAST_PLAIN: Reading[LastEpoch] = Reading((PLAIN,), _last_asked, _last_of)
"""The last epoch without regularizer."""


def _ablation_asked(studied: Studied) -> list[Asked]:
    run = studied.runs[PLAIN].name
    return [Part("ablation", run, studied.epochs[run][-1])]


ABLATION: Reading[Ablation] = Reading((PLAIN,), _ablation_asked, lambda evidence: evidence.ablation)
"""How much the network relies on Total Deliverers at that epoch."""


def _mid_asked(studied: Studied) -> list[Asked]:
    studied.epoch(PLAIN, When.MID)  # NotThere without mid-training
    return [checkpoint_part(studied, studied.runs[PLAIN].name, epoch) for epoch in studied.mid_training()]


def _mid_of(evidence: Evidence) -> tuple[Checkpoint, ...] | None:
    record, wanted = evidence.record(PLAIN), evidence.mid_training
    return _at(evidence, record.name, wanted) if record is not None and wanted else None


MID_TRAINING: Reading[tuple[Checkpoint, ...]] = Reading((PLAIN,), _mid_asked, _mid_of)
"""Every checkpoint of mid-training without regularizer."""


def _falling_asked(studied: Studied) -> list[Asked]:
    run = studied.runs[PLAIN].name
    return [*(checkpoint_part(studied, run, epoch) for epoch in studied.falling()), *others_asked(studied)]


@dataclass(frozen=True)
class Falling:
    """Every checkpoint whose training loss falls, but the last: without regularizer, and of runs of other presets; and
    the preset of the former."""

    preset: str
    checkpoints: tuple[Checkpoint, ...]
    others: tuple[tuple[OtherPreset, tuple[Checkpoint, ...]], ...]


def _falling_of(evidence: Evidence) -> Falling | None:
    record = evidence.record(PLAIN)
    own = _at(evidence, record.name, evidence.falling) if record is not None else None
    others = [(other, _at(evidence, other.run, other.falling)) for other in evidence.others]
    if record is None or own is None or any(found is None for _, found in others):
        return None
    return Falling(record.preset, own, tuple((other, found or ()) for other, found in others))


def _at(evidence: Evidence, run: str, epochs: Sequence[int]) -> tuple[Checkpoint, ...] | None:
    there = {each.epoch: each for each in evidence.of_run(run)}
    return tuple(there[epoch] for epoch in epochs) if there.keys() >= set(epochs) else None


FALLING: Reading[Falling] = Reading((PLAIN,), _falling_asked, _falling_of)


MidPairs = Mapping[int, Sequence[RandomPairs]]


def random_pairs(design: SceneDesign) -> Reading[tuple[RandomPairs, ...]]:
    """Pairs of random live units beside a picture of the source."""
    return Reading(
        (design.role,),
        lambda studied: [design.placed(studied).random_pairs_part()],
        lambda evidence: evidence.pairs_of(design.key) or None,
    )


def _mid_pairs_asked(studied: Studied) -> list[Part]:
    studied.epoch(PLAIN, When.MID)  # NotThere without mid-training
    return mid_pairs_parts(studied)


def _mid_pairs_of(evidence: Evidence) -> MidPairs | None:
    found = {epoch: evidence.pairs_of(MID_PLAIN.key, epoch) for epoch in evidence.mid_training}
    return found if found and all(found.values()) else None


MID_PAIRS: Reading[MidPairs] = Reading((PLAIN,), _mid_pairs_asked, _mid_pairs_of)
"""Those of every checkpoint of mid-training without regularizer, by epoch."""


def rough_pairs(design: SceneDesign) -> Reading[tuple[RoughPairs, ...]]:
    """The roughness of such pairs."""
    return Reading(
        (design.role,),
        lambda studied: [design.placed(studied).rough_pairs_part()],
        lambda evidence: evidence.rough_pairs_of(design.key) or None,
    )


def _drawn_asked(studied: Studied) -> list[Asked]:
    return [checkpoint_part(studied, studied.runs[PLAIN].name, studied.epoch(PLAIN, When.MID))]


def _drawn_of(evidence: Evidence) -> Checkpoint | None:
    mid = dict(evidence.mid_epochs)
    drawn = next((each for each in evidence.of_role(PLAIN) if each.epoch == mid.get(each.run)), None)
    return drawn if drawn is not None and drawn.agreement("model") is not None else None


DRAWN_PLAIN: Reading[Checkpoint] = Reading((PLAIN,), _drawn_asked, _drawn_of)
"""The checkpoint of mid-training that is drawn, without regularizer: all its parameters."""


def _nulls_asked(studied: Studied) -> list[Asked]:
    return [Part("nulls", studied.runs[PLAIN].name, studied.epoch(PLAIN, When.MID))]


def _nulls_of(evidence: Evidence) -> tuple[Null, ...] | None:
    found = tuple(
        null
        for null in evidence.nulls
        if null.scope in BIASES and null.epoch > 0 and null.minibatch_size == MINIBATCH_SIZE
    )
    return found or None


NULLS: Reading[tuple[Null, ...]] = Reading((PLAIN,), _nulls_asked, _nulls_of)
"""The null model beside what was measured, for the biases of each layer at mid-training without regularizer."""


@dataclass(frozen=True)
class Chosen:
    """Minibatches of chosen rows at the epoch of mid-training whose signs are least balanced, and at the drawn one."""

    least_balanced: tuple[ChosenRows, ...]
    drawn: tuple[ChosenRows, ...]


def _chosen_asked(studied: Studied) -> list[Part]:
    studied.epoch(PLAIN, When.MID)  # NotThere without mid-training
    return chosen_parts(studied)


def _chosen_of(evidence: Evidence) -> Chosen | None:
    least = tuple(each for each in evidence.chosen if each.epoch == evidence.least_balanced)
    drawn = tuple(each for each in evidence.chosen if each.epoch != evidence.least_balanced)
    return Chosen(least, drawn) if least else None


CHOSEN: Reading[Chosen] = Reading((PLAIN,), _chosen_asked, _chosen_of)
"""Without regularizer."""


def drift(role: Role) -> Reading[tuple[Drift, ...]]:
    """How far each hidden layer has moved at the last checkpoint of a run."""

    def last(evidence: Evidence) -> tuple[Drift, ...] | None:
        record = evidence.record(role)
        own = [each for each in evidence.drifts if record is not None and each.run == record.name]
        return tuple(each for each in own if each.epoch == own[-1].epoch) or None

    return Reading((role,), lambda studied: [drift_part(studied, role)], last)


DRIFT = drift(BATCHNORM)


def paths_of(optimizer: PathsOptimizer) -> Reading[PathsFound]:
    """Paths from a checkpoint of mid-training without regularizer, where they were measured; NotThere has the command
    that measures them."""

    def asked(studied: Studied) -> list[Asked]:
        epoch = studied.paths_epoch()
        if epoch is None:
            raise NotThere(
                "There is no mid-training checkpoint with balanced signs after which the training loss falls a little: "
                "train more epochs, in Training."
            )
        request = paths_request(studied.runs[PLAIN].name, epoch, optimizer)
        if studied.kept_paths(request) is None:
            raise NotThere(
                f"Nobody has measured these paths yet: start them in Paths, or run `{command_of(request)}`.",
                Shown(view="paths", paths=request),
            )
        return []

    def found(evidence: Evidence) -> PathsFound | None:
        return next((each for each in evidence.paths if each.by == optimizer), None)

    return Reading((PLAIN,), asked, found, is_kept=True)


ROUND_OFF: Reading[RoundOff] = Reading(
    (BATCHNORM,), loop_fields, lambda evidence: evidence.round_off, (LINEAR_BATCHNORM,)
)
"""The source's batch normalization picture in two precisions."""
