"""The minibatches of a study's run at a checkpoint, as problems whose gradients are compared."""

from dataclasses import dataclass
from typing import Protocol

import torch

from gradviz.compute.estimate import num_sets
from gradviz.compute.question import cost_of_a_pass
from gradviz.compute.study_landscape import ROWS_OF_A_STUDY, check_minibatch_size
from gradviz.experiment import asking
from gradviz.experiment.batches import num_rows
from gradviz.experiment.facts import Fact
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.replay import Problem
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.run_problems import problems_of_run

STUDY_STATISTICS_VERSION = 1
"""Part of every key: raise it whenever the statistics of a study's run get different numbers."""

_FORWARD_PASSES = 9
"""Of a pass forward and backward in float32, and one in float64 for twice its price."""


class Asked(Protocol):
    """What a question tells of the evaluation."""

    @property
    def epoch(self) -> int: ...
    @property
    def minibatch_size(self) -> int: ...
    @property
    def mode(self) -> Mode: ...


@dataclass(frozen=True)
class Draws:
    """The random numbers of the gradients."""

    masks: Masks = "fresh"
    num_masks: int = 1
    seed: int = 0


def problems_of(run: StudyRun, asked: Asked, draws: Draws, device: torch.device) -> list[Problem]:
    """One for each of the run's minibatches; UserError if the checkpoint is missing or the study is not loaded."""
    check_minibatch_size(run, asked.minibatch_size)
    own = {"masks": draws.masks, "num_masks": draws.num_masks, "seed": draws.seed}
    return problems_of_run(run, asked.epoch, device, mode=asked.mode, **own)


def facts_of(run: StudyRun, problems: list[Problem]) -> list[tuple[Fact, ...]]:
    """What the study says of each minibatch."""
    return [asking.facts(run.study, problem.model, problem.batch) for problem in problems]


def rows_of(problems: list[Problem]) -> int:
    """The number of rows of all minibatches."""
    return sum(num_rows(problem.batch) for problem in problems)


def passes_of(run: StudyRun, asked: Asked, draws: Draws) -> float:
    """The cost of the gradients of all minibatches, in the unit of `Question.passes`."""
    return gradient_passes(run, num_sets(run, asked.mode, draws.masks, draws.num_masks))


def gradient_passes(run: StudyRun, num_sets: int) -> float:
    """Of all minibatches with so many sets of random numbers each, in both precisions."""
    return run.record.num_minibatches * num_sets * _FORWARD_PASSES * cost_of_a_pass(run, ROWS_OF_A_STUDY)
