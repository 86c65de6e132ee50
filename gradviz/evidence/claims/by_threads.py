"""Verdicts beside those by the same training with another number of CPU threads, and how far apart both are."""

from collections.abc import Callable, Iterator

from gradviz.evidence.claims.remarks import ONE_DRAW
from gradviz.evidence.controls import Apart
from gradviz.evidence.deciding import listed, noted, told
from gradviz.evidence.figures import exact
from gradviz.evidence.measurements import Evidence, Replicate
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, ROLES
from gradviz.evidence.verdict import Figure, Kind, Verdict
from gradviz.experiment.cpu_threads import threads_words
from gradviz.experiment.run_record import RunRecord


def beside_threads(own: Verdict, evidence: Evidence, verdict: Callable[[Evidence], Verdict]) -> Verdict:
    """The verdict with what the training with batch normalization and other CPU threads says of it.

    `verdict` decides by the same rule. Without such a training a note has the command that makes it.
    """
    record, found = evidence.record(BATCHNORM), evidence.replicate(BATCHNORM)
    if record is None or found is None:
        return own.model_copy(update={"notes": (*own.notes, *_without(record))})
    other = verdict(_in_its_place(evidence, found))
    notes = (*own.notes, _chaos(evidence, record, found))
    known = {"figures": (*own.figures, *_figures(evidence)), "notes": notes}
    if other.kind == Kind.UNKNOWN:
        unknown = (
            f"The training {_against(record, found)}, {found.record.name}, has not come so far that this rule could"
            f" decide by it: {_command(record)} continues it."
        )
        return own.model_copy(update=known | {"notes": (*notes, unknown)})
    return own.model_copy(
        update=known | {"by_threads": other.kind, "says": f"{own.says} {_says(own, other, record, found)}"}
    )


def _says(own: Verdict, other: Verdict, record: RunRecord, found: Replicate) -> str:
    """Whether the verdict is stable."""
    if _is_equal(found):
        return (
            f"The training {_against(record, found)} gives the same parameters to the bit, and so does not tell whether"
            " the verdict is stable in rounding."
        )
    by_them = noted(f"the training {_against(record, found)}", other.kind, own.kind)
    return by_them if own.kind == other.kind else f"{by_them} So the verdict is not stable in rounding."


def _chaos(evidence: Evidence, record: RunRecord, found: Replicate) -> str:
    """How far apart rounding alone leads the trainings."""
    if _is_equal(found):
        return (
            "Another number of CPU threads rounds nothing differently here:"
            f" {record.name} and {found.record.name} are equal to the bit. {ONE_DRAW}"
        )
    if not found.aparts:
        return ONE_DRAW
    others = [
        f"{role.words} it is {'equal to the bit' if _is_equal(each) else f'apart by {_apart_words(evidence, each)}'}"
        for role in ROLES
        if role != BATCHNORM and (each := evidence.replicate(role)) is not None
    ]
    beside = f" For comparison, {' and '.join(others)}." if others else ""
    return (
        "Another number of CPU threads only rounds sums differently. As a share of the way from the common start, the"
        f" training {_against(record, found)} is apart by {_apart_words(evidence, found)}; two unrelated ways of one"
        f" length would be by 141 %.{beside} {ONE_DRAW}"
    )


def _apart_words(evidence: Evidence, found: Replicate) -> str:
    """`82 % after epoch 1, 110 % at mid-training (epoch 20) and 120 % at the last epoch (epoch 30)`."""
    known = [(when, each) for when, each in _times(evidence, found) if each is not None]
    return listed(
        f"{told(each.of_way, '%')} {when}" + (f" (epoch {each.epoch})" if each.epoch > 1 else "")
        for when, each in known
    )


def _without(record: RunRecord | None) -> Iterator[str]:
    if record is None:
        return
    if record.num_threads is None:
        yield (
            f"Whether the verdict is stable in rounding was not measured: {record.name} does not record its number of"
            f" CPU threads, so no other can be chosen. {ONE_DRAW}"
        )
        return
    yield (
        "Whether the verdict is stable in rounding was not measured: another number of CPU threads, which only rounds"
        f" sums differently, can lead a training with batch statistics elsewhere. {_command(record)} trains"
        f" {record.name} again with another number. {ONE_DRAW}"
    )


def _command(record: RunRecord) -> str:
    return f"`gradviz train --replicate {record.name}`"


def _against(record: RunRecord, found: Replicate) -> str:
    """`with 1 thread instead of 2`."""
    assert record.num_threads is not None
    assert found.record.num_threads is not None
    return f"with {threads_words(found.record.num_threads)} instead of {record.num_threads}"


def _is_equal(found: Replicate) -> bool:
    return bool(found.aparts) and all(each.of_way == 0 for each in found.aparts)


def _in_its_place(evidence: Evidence, found: Replicate) -> Evidence:
    """The evidence with the replicate's measurements instead of those of the run that it repeats."""

    def others(of_runs: tuple) -> tuple:
        return tuple(each for each in of_runs if each.run != found.of)

    return evidence.model_copy(
        update={
            "runs": tuple(found.record if each.name == found.of else each for each in evidence.runs),
            "scenes": (*others(evidence.scenes), *found.scenes),
            "random_pairs": (*others(evidence.random_pairs), *found.random_pairs),
            "rough_pairs": (*others(evidence.rough_pairs), *found.rough_pairs),
            "drifts": (*others(evidence.drifts), *found.drifts),
            "round_off": found.round_off,
        }
    )


def _figures(evidence: Evidence) -> Iterator[Figure]:
    """Of each training with another number of CPU threads, that with batch normalization first."""
    for role in (BATCHNORM, PLAIN, DROPOUT):
        found, own = evidence.replicate(role), evidence.record(role)
        if found is None or own is None:
            continue
        of = "" if role == BATCHNORM else f" {role.words}"
        for when, apart in _times(evidence, found):
            yield Figure(
                name=f"distance to the training with other CPU threads{of}, {when}",
                estimate=exact(apart.of_way if apart else None),
                unit="%",
                sample=f"{_against(own, found)}; {_sample_of(apart)}" if apart else "",
            )


def _sample_of(apart: Apart) -> str:
    return f"epoch {apart.epoch}, of the way of {apart.run} from epoch 0, all {apart.num_parameters:,} parameters"


def _times(evidence: Evidence, found: Replicate) -> Iterator[tuple[str, Apart | None]]:
    """After the first epoch, at mid-training and after the last epoch, always, so that seeds stand side by side; None
    where it was not measured."""
    by_epoch = {each.epoch: each for each in found.aparts}
    middle, last = dict(evidence.mid_epochs).get(found.of, -1), max(by_epoch, default=-1)
    for when, epoch in (("after epoch 1", 1), ("at mid-training", middle), ("at the last epoch", last)):
        yield when, by_epoch.get(epoch)
