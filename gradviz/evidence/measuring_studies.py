"""Measures one part of the evidence of a run of another study than deliveries, by backward passes of its own loss."""

from collections.abc import Sequence

import torch

from gradviz.errors import UserError
from gradviz.evidence.agreeing import bootstrap, estimate_of, kept_agreement
from gradviz.evidence.measurements import Agreement, Null, StudyEpoch
from gradviz.evidence.parts import Part, StudyAnswer
from gradviz.evidence.scenes import design_of
from gradviz.evidence.studied_runs import Pairs, pairs_of
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.request import Mode
from gradviz.landscape.run_problems import problems_of_run
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics import pooled_null, problem_agreement, sensitivity
from gradviz.landscape.statistics.problem_products import MODEL, pair_name_of


def measured_of_study(part: Part, run: StudyRun, device: torch.device) -> StudyAnswer:
    """Answers a part; UserError if its checkpoint is not there, or it is one of deliveries alone."""
    if part.kind == "scene":
        design = design_of(part.scene)
        problems = problems_of_run(run, part.epoch, device, mode=design.mode, masks=design.masks)
        return StudyAnswer(agreements=tuple(_agreements(problems, pairs_of(run.anatomy, design.place))))
    if part.kind == "checkpoint":
        return StudyAnswer(checkpoint=_checkpoint(part, run, device))
    if part.kind == "nulls":
        return StudyAnswer(nulls=(_null(part, run, device),))
    raise UserError(f"`part` of the run {run.name} must be scene, checkpoint or nulls, got {part.kind}.")


def _agreements(problems: Sequence[Problem], pairs: Pairs) -> list[Agreement]:
    scalars = [(Scalar.parse(x), Scalar.parse(y)) for x, y in pairs]
    found = problem_agreement(problems, bootstrap(), parts=(), pairs=scalars)
    return [kept_agreement(found[pair_name_of(pair)], problems[0].num_rows, None) for pair in scalars]


def _checkpoint(part: Part, run: StudyRun, device: torch.device) -> StudyEpoch:
    mode = mode_of(run)
    problems = problems_of_run(run, part.epoch, device, mode=mode)
    whole = None
    if part.whole:
        [found] = problem_agreement(problems, bootstrap(), parts=(MODEL,)).values()
        whole = kept_agreement(found, problems[0].num_rows, None)
    pairs = tuple(_agreements(problems, pairs_of(run.anatomy, "shown first")))
    return StudyEpoch(run=run.name, epoch=part.epoch, mode=mode, pairs=pairs, model=whole)


def _null(part: Part, run: StudyRun, device: torch.device) -> Null:
    """Of all parameters."""
    problems = problems_of_run(run, part.epoch, device, mode="eval")
    measured = problem_agreement(problems, bootstrap(), parts=(MODEL,))[MODEL]
    random = pooled_null(problems, bootstrap(), parts=(MODEL,))[MODEL]
    return Null(
        scope="model",
        run=run.name,
        epoch=part.epoch,
        minibatch_size=random.minibatch_size,
        num_minibatches=random.num_minibatches,
        measured_resultant=estimate_of(measured.resultant),
        random_resultant=estimate_of(random.resultant),
        formula_resultant=random.predicted_resultant,
        sensitivity=estimate_of(sensitivity(measured, random)),
    )


def mode_of(run: StudyRun) -> Mode:
    """The mode whose gradients the training follows; where nothing tells the modes apart, eval."""
    able = run.capabilities
    return "train" if able.draws_masks or able.has_batch_statistics else "eval"
