"""What each row of a minibatch does to its gradient, as a question; its answer is JSON."""

import json
from typing import Any, Literal

import numpy as np
from pydantic import Field

from gradviz.compute.estimate import num_sets
from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.rows_part import NO_DIRECTIONS, PartOfRun, is_along_directions, part_of
from gradviz.compute.study_landscape import batch_of, check_minibatch_size, row_numbers
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, gradient_passes
from gradviz.compute.workbench import Workbench
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.per_row.influence import MOST_RECOMPUTED, CannotTell, Influence
from gradviz.landscape.per_row.network_influence import network_influence
from gradviz.landscape.per_row.problem_influence import problem_influence
from gradviz.landscape.replay import Problem
from gradviz.landscape.request import Checkpoint, ComposedMinibatch, LandscapeRequest, MaskedEvaluation
from gradviz.landscape.run_problems import problems_of_run

INFLUENCE_VERSION = 2
"""Part of every key: raise it whenever the same question gets different numbers."""

FRESH_MASKS = (
    " Fresh masks are drawn for every minibatch of the run: they are not those at ○, so shares differ from those of "
    "the rows' list."
)
_PASSES = 4  # of every row, forward and backward, and what is summed up


class InfluenceRequest(Checkpoint, ComposedMinibatch, MaskedEvaluation, PartOfRun):
    """A minibatch at a checkpoint, beside the run's minibatches of `minibatch_size`."""

    num_masks: int = Field(default=8, ge=1, le=64)

    @property
    def random(self) -> dict[str, Any]:
        """The mode, and what masks are drawn in it."""
        return self.model_dump(include={"mode", "masks", "num_masks", "seed"})

    @classmethod
    def of_picture(cls, request: LandscapeRequest, part: str) -> "InfluenceRequest":
        """That of the minibatch on show."""
        own = {name: getattr(request, name) for name in cls.model_fields if name != "part"}
        return cls.of(part=part, **own)


class InfluenceQuestion(Question):
    """The rows' influence, with their numbers, or the reason why there is none."""

    kind: Literal["influence"] = "influence"
    request: InfluenceRequest

    def key(self, store: RunStore) -> str:
        versions = INFLUENCE_VERSION, STUDY_STATISTICS_VERSION
        return address_of(self, store, self.request.run, self.request.epoch, *versions)

    def passes(self, store: RunStore) -> float:
        asked, run = self.request, store.any_run(self.request.run)
        sets = num_sets(run, asked.mode, asked.masks, asked.num_masks)
        again = min(asked.num_rows, MOST_RECOMPUTED) if run.capabilities.couples_rows_in(asked.mode) else 0
        if isinstance(run, StudyRun):
            return gradient_passes(run, sets) * (1 + again / run.record.num_minibatches)
        own = 0 if asked.rows is None else 1  # a composed minibatch is one more
        passes = run.num_minibatches(asked.minibatch_size) * cost_of_a_pass(run, asked.minibatch_size)
        return (passes + (own + again) * cost_of_a_pass(run, asked.num_rows)) * sets * _PASSES

    def answer(self, bench: Workbench) -> bytes:
        asked, run = self.request, bench.store.any_run(self.request.run)
        try:
            if is_along_directions(asked):
                raise CannotTell(NO_DIRECTIONS)
            found = _of_study(run, asked, bench) if isinstance(run, StudyRun) else _of_deliveries(run, asked, bench)
            told = told_of(found, row_numbers(run, asked))
            if asked.masks == "fresh" and run.capabilities.draws_masks_in(asked.mode):
                told["sentence"] += FRESH_MASKS
        except CannotTell as error:
            none = {"rows": [], "opposing": [], "resultant": None, "num_minibatches": 0, "length": None}
            told = none | {"is_recomputed": False, "sentence": str(error)}
        told |= {"request": asked.model_dump()}
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _of_deliveries(run: Run, asked: InfluenceRequest, bench: Workbench) -> Influence:
    minibatches = list(zip(*run.minibatches(asked.minibatch_size), strict=True))
    at = asked.minibatch
    if asked.rows is not None:
        own = run.rows_batch(asked.rows)
        minibatches, at = [*minibatches, (own.inputs_BI, own.targets_B)], len(minibatches)
    else:
        run.minibatch(at, asked.minibatch_size)  # UserError names the range
    return network_influence(
        bench.network(asked.run, asked.epoch), minibatches, at, part_of(run, asked), **asked.random
    )


def _of_study(run: StudyRun, asked: InfluenceRequest, bench: Workbench) -> Influence:
    check_minibatch_size(run, asked.minibatch_size)
    random = asked.random
    problems = problems_of_run(run, asked.epoch, bench.device, **random)
    at = asked.minibatch
    if asked.rows is not None:
        own = Problem(problems[0].model, run.study.loss, batch_of(run, asked, bench.device), **random)
        problems, at = [*problems, own], len(problems)
    else:
        run.minibatch(at)  # UserError names the range
    return problem_influence(problems, at, part_of(run, asked), draws_masks=run.capabilities.draws_masks_in(asked.mode))


def told_of(found: Influence, numbers: list[int]) -> dict[str, Any]:
    """As JSON has it: rows by their numbers, null for what is not defined."""
    columns = {
        "share": found.shares_B,
        "length": found.lengths_B,
        "resultant_change": found.resultant_change_B,
        "turn": found.turn_B,
        "length_change": found.length_change_B,
    }
    opposing = [] if found.opposing is None else found.opposing
    return {
        "resultant": found.resultant,
        "num_minibatches": found.num_minibatches,
        "length": found.length,
        "is_recomputed": found.is_recomputed,
        "sentence": sentence(found),
        "rows": [
            {"row": row} | {name: _number(values_B, place) for name, values_B in columns.items()}
            for place, row in enumerate(numbers)
        ],
        "opposing": [
            {
                "row": numbers[each.first],
                "other": numbers[each.second],
                "product": each.product,
                "cosine": each.cosine,
            }
            for each in opposing
        ],
    }


def sentence(found: Influence) -> str:
    """How the numbers were made."""
    if found.is_recomputed:
        return (
            "Rows of this minibatch have no gradients of their own here: it was computed again without each of them, "
            "and there are neither shares nor pairs that oppose each other."
        )
    if found.length == 0:
        return "The minibatch's gradient is zero up to round-off, so that no row can turn or shorten it."
    return "Exact, from the inner products of the rows' gradients."


def _number(values_B: np.ndarray | None, place: int) -> float | None:
    if values_B is None or np.isnan(values_B[place]):
        return None
    return float(values_B[place])
