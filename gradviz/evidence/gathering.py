"""What the evidence asks of a set of runs, and how it puts the answers together."""

from collections.abc import Iterator, Sequence

from gradviz.evidence.balancing import balances
from gradviz.evidence.controls import PathsFound
from gradviz.evidence.measurements import Agreement, Evidence, Panel, Replicate, RoundOff, Scene
from gradviz.evidence.parts import Answers, Asked, LoopField, Part, PartAnswer, run_of
from gradviz.evidence.path_taking import OPTIMIZERS, paths_found, paths_request
from gradviz.evidence.precision import POINTS, round_off_of
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, Role
from gradviz.evidence.roughening import roughness_of
from gradviz.evidence.scenes import (
    BESIDE_RANDOM_PAIRS,
    BESIDE_ROUGH_PAIRS,
    BETA_BATCHNORM,
    LINEAR_BATCHNORM,
    MID_PLAIN,
    SceneSpec,
    scenes_of,
)
from gradviz.evidence.sign_law import sign_laws
from gradviz.evidence.studied import Setting, Studied, When
from gradviz.experiment.names import OfRun
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics
from gradviz.landscape import GradientField, LandscapeRequest

WHOLES = 11
"""Checkpoints at which all parameters are measured for the sign law, from the most to the least balanced signs: each
takes ten times as long as the biases."""


def whole_evidence(studied: Studied, answers: Answers) -> Evidence:
    """The evidence of a report; `answers` are those to `everything`."""
    evidence = evidence_of(studied, answers)
    return evidence.model_copy(update={"sign_balance": balances(evidence), "sign_laws": sign_laws(evidence)})


def evidence_of(studied: Studied, answers: Answers) -> Evidence:
    """As much of the evidence as these answers give."""
    others = {run.name for run in studied.of_other_threads.values()}
    of_others = {asked: content for asked, content in answers.items() if run_of(asked) in others}
    parts = _parts_in({asked: content for asked, content in answers.items() if asked not in of_others})
    nulls = [null for part in parts for null in part.nulls]
    return Evidence(
        seed=next(iter(studied.runs.values())).config.seed,
        mid_epochs=tuple(studied.mid_epochs.items()),
        mid_training=studied.mid_training(),
        runs=tuple(run.record for run in studied.runs.values()),
        checkpoints=tuple(part.checkpoint for part in parts if part.checkpoint is not None),
        scenes=tuple(scenes_in(studied, answers)),
        sign_balance=(),
        interventions=tuple(each for part in parts for each in part.interventions),
        nulls=tuple(sorted(nulls, key=lambda null: (null.epoch, null.minibatch_size))),
        round_off=round_off_in(studied, answers),
        mask_splits=tuple(each for part in parts for each in part.mask_splits),
        ablation=next((part.ablation for part in parts if part.ablation is not None), None),
        chosen=tuple(each for part in parts for each in part.chosen),
        least_balanced=studied.least_balanced(),
        random_pairs=tuple(each for part in parts for each in part.random_pairs),
        rough_pairs=tuple(each for part in parts for each in part.rough_pairs),
        drifts=tuple(each for part in parts for each in part.drifts),
        wholes=tuple(each for part in parts for each in part.wholes),
        paths=tuple(_paths_in(studied)),
        falling=studied.falling(),
        others=studied.others(),
        by_threads=tuple(_by_threads_in(studied, parts, of_others)),
    )


def _by_threads_in(studied: Studied, parts: Sequence[PartAnswer], answers: Answers) -> Iterator[Replicate]:
    """`parts` have the distances, `answers` what was measured of the trainings with other CPU threads."""
    for role, other in studied.of_other_threads.items():
        swapped = studied.by_threads(role)
        assert swapped is not None
        own = {asked: content for asked, content in answers.items() if run_of(asked) == other.name}
        measured = _parts_in(own)
        yield Replicate(
            of=studied.runs[role].name,
            record=other.record,
            aparts=tuple(each for part in parts for each in part.aparts if each.other == other.name),
            scenes=tuple(scenes_in(swapped, own)),
            random_pairs=tuple(each for part in measured for each in part.random_pairs),
            rough_pairs=tuple(each for part in measured for each in part.rough_pairs),
            drifts=tuple(each for part in measured for each in part.drifts),
            round_off=round_off_in(swapped, own),
        )


def _parts_in(answers: Answers) -> list[PartAnswer]:
    """The statistics among the answers, under the names that were asked for: of two runs with the same bytes, such as a
    copy, one answer is kept for both."""
    found = []
    for asked, content in answers.items():
        if isinstance(asked, Part):
            answer = PartAnswer.model_validate_json(content)
            found.append(answer.model_copy(update=dict(_renamed(answer, asked.run))))
    return found


def _renamed(answer: PartAnswer, run: str) -> Iterator[tuple[str, object]]:
    for name, value in answer:
        if isinstance(value, OfRun):
            yield name, value.model_copy(update={"run": run})
        elif isinstance(value, tuple):
            yield (
                name,
                tuple(each.model_copy(update={"run": run}) if isinstance(each, OfRun) else each for each in value),
            )


def everything(studied: Studied) -> Iterator[Asked]:
    """All questions that a report asks."""
    for spec in scenes_of(studied):
        yield from scene_asked(spec, studied)
        if spec.design in BESIDE_RANDOM_PAIRS and spec.design != MID_PLAIN:  # that is measured at every checkpoint
            yield spec.random_pairs_part()
        if spec.design in BESIDE_ROUGH_PAIRS:
            yield spec.rough_pairs_part()
    for run in studied.runs.values():
        for epoch in studied.epochs[run.name]:
            yield checkpoint_part(studied, run.name, epoch)
    if PLAIN in studied.runs:
        yield from _of_plain(studied)
    if studied.is_there(BATCHNORM, When.TENTH):
        yield from loop_fields(studied)
    for role in (PLAIN, BATCHNORM):
        if studied.is_there(role, When.START):
            run = studied.runs[role].name
            yield from (Part("drift", run, epoch) for epoch in studied.epochs[run])
    if studied.is_there(DROPOUT, When.MID):
        yield Part("masks", studied.runs[DROPOUT].name, studied.epoch(DROPOUT, When.MID))
    yield from studied.apart_parts()
    swapped = studied.by_threads(BATCHNORM)
    if swapped is not None:
        yield from _of_norm(swapped)


def _of_norm(studied: Studied) -> Iterator[Asked]:
    """What the claims read of the run with batch normalization."""
    if studied.is_there(BATCHNORM, When.TENTH):
        beta = BETA_BATCHNORM.placed(studied)
        yield from (*scene_asked(beta, studied), beta.random_pairs_part(), *loop_fields(studied))
        yield from (each.placed(studied).rough_pairs_part() for each in (LINEAR_BATCHNORM, BETA_BATCHNORM))
    if studied.is_there(BATCHNORM, When.START):
        yield drift_part(studied, BATCHNORM)


def scene_asked(spec: SceneSpec, studied: Setting) -> list[Asked]:
    """What a picture of the source is measured from."""
    return [spec.agreement_part(), *(field for panel in spec.rough_fields(studied) for field in panel)]


def checkpoint_part(studied: Studied, run: str, epoch: int) -> Part:
    """One epoch. At the drawn one without regularizer all parameters are measured, which is ten times the work."""
    plain = studied.runs.get(PLAIN)
    whole = plain is not None and run == plain.name and epoch == studied.mid_epochs.get(run)
    return Part("checkpoint", run, epoch, whole=whole)


def chosen_parts(studied: Studied) -> list[Part]:
    """Minibatches of chosen rows: where random ones agree best, and at the checkpoint that is drawn."""
    run, least_balanced = studied.runs[PLAIN].name, studied.least_balanced()
    if least_balanced is None:
        return []
    return [Part("chosen", run, epoch) for epoch in dict.fromkeys((least_balanced, studied.mid_epochs[run]))]


def mid_pairs_parts(studied: Studied) -> list[Part]:
    """Pairs of random live units at every checkpoint of mid-training."""
    run = studied.runs[PLAIN].name
    return [MID_PLAIN.of(run, epoch).random_pairs_part() for epoch in studied.mid_training()]


def _imbalance(line: EpochMetrics) -> float:
    return abs(line.share_below_target - 0.5)


def spread_over(epochs: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spaced, the first and the last among them."""
    if len(epochs) <= most:
        return list(epochs)
    return [epochs[round(k * (len(epochs) - 1) / (most - 1))] for k in range(most)]


def drift_part(studied: Studied, role: Role) -> Part:
    """The last checkpoint beside the first one; NotThere without that."""
    studied.epoch(role, When.START)
    run = studied.runs[role].name
    return Part("drift", run, studied.epochs[run][-1])


def others_asked(studied: Studied) -> list[Part]:
    """The checkpoints of runs of another preset."""
    return [Part("checkpoint", other.run, epoch) for other in studied.others() for epoch in other.falling]


def loop_fields(studied: Setting) -> tuple[LoopField, LoopField]:
    """The source's batch normalization picture by the plain loop, on a smaller grid, in both precisions."""
    request = LINEAR_BATCHNORM.placed(studied).requests()[0].model_copy(update={"points": POINTS})
    return LoopField(request, "float32"), LoopField(request, "float64")


def _paths_in(studied: Studied) -> Iterator[PathsFound]:
    epoch = studied.paths_epoch()
    if epoch is None:
        return
    for optimizer in OPTIMIZERS:
        request = paths_request(studied.runs[PLAIN].name, epoch, optimizer)
        found = studied.kept_paths(request)
        if found is not None:
            yield paths_found(request, found)


def _of_plain(studied: Studied) -> Iterator[Part]:
    run, least_balanced = studied.runs[PLAIN], studied.least_balanced()
    if least_balanced is not None:  # there, to balance the signs changes most
        yield Part("intervention", run.name, least_balanced)
    yield from chosen_parts(studied)
    yield from mid_pairs_parts(studied)
    there = set(studied.epochs[run.name])
    lines = sorted((line for line in run.metrics() if line.epoch in there), key=_imbalance)
    for epoch in sorted(spread_over([line.epoch for line in lines], WHOLES)):
        yield Part("whole", run.name, epoch)
    yield from others_asked(studied)
    known = [when for when in (When.START, When.MID) if studied.is_there(PLAIN, when)]
    for epoch in sorted({studied.epoch(PLAIN, when) for when in known}):
        yield Part("nulls", run.name, epoch)
        yield Part("nulls-by-size", run.name, epoch)
    yield Part("ablation", run.name, studied.epochs[run.name][-1])


def scenes_in(studied: Setting, answers: Answers) -> Iterator[Scene]:
    """The pictures whose measurements are all among the answers."""
    for spec in scenes_of(studied):
        if spec.agreement_part() in answers:
            fields = [[_field(answers, request) for request in panel] for panel in spec.rough_fields(studied)]
            agreements = PartAnswer.model_validate_json(answers[spec.agreement_part()]).agreements
            yield _scene(spec, agreements, fields)


def _scene(spec: SceneSpec, agreements: Sequence[Agreement], fields: Sequence[Sequence[GradientField]]) -> Scene:
    panels = tuple(
        Panel(view=request, agreement=agreement, roughness=roughness_of(own, request))
        for request, agreement, own in zip(spec.requests(), agreements, fields, strict=True)
    )
    design = spec.design
    return Scene(key=design.key, run=spec.run, epoch=spec.epoch, mode=design.mode, masks=design.masks, panels=panels)


def round_off_in(studied: Setting, answers: Answers) -> RoundOff | None:
    """The batch normalization picture in two precisions, if both are among the answers."""
    design = LINEAR_BATCHNORM
    if not studied.has(BATCHNORM, design.place) or not studied.is_there(BATCHNORM, design.when):
        return None
    single, double = loop_fields(studied)
    if single not in answers or double not in answers:
        return None
    return round_off_of(single.request, _field(answers, single), _field(answers, double))


def _field(answers: Answers, asked: LandscapeRequest | LoopField) -> GradientField:
    return GradientField.from_bytes(answers[asked])
