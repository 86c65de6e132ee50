"""The gradients of all training rows as points of a plane, as a question; its answer is JSON."""

import json
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.rows_part import NO_DIRECTIONS, PartOfRun, is_along_directions, part_of
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, rows_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.per_row.all_rows import AllRows, network_rows, problem_rows
from gradviz.landscape.per_row.influence import CannotTell
from gradviz.landscape.request import Checkpoint, Evaluation, LandscapeRequest
from gradviz.landscape.run_problems import problems_of_run
from gradviz.numbers import percent_of

ALL_ROWS_VERSION = 1
"""Part of every key: raise it whenever the same question gets different numbers."""

MOST_ROWS = 20_000
"""Of a run that has more, so many are drawn: each is a point of a picture, and its inputs take 2.7 kB."""

_SEED = 0
_PASSES = 4  # forward and backward, and the inner products with a sample of rows
_PASSES_OF_A_STUDY = 24  # in float64, by minibatches and row by row
_DIGITS = 7  # of float32

MASKS = "In train mode masks belong to places in a minibatch, which not every row has: choose eval mode."
BATCH_STATISTICS = "Under batch statistics a row alone has no gradient: choose eval mode."


class AllRowsRequest(Checkpoint, Evaluation, PartOfRun):
    """All training rows of a run at a checkpoint."""

    @classmethod
    def of_picture(cls, request: LandscapeRequest, part: str) -> "AllRowsRequest":
        """That of the plane on show."""
        return cls.of(part=part, **request.model_dump(include=set(cls.model_fields) - {"part"}))


class AllRowsQuestion(Question):
    """Coordinates and length of each training row's gradient, or the reason why there are none."""

    kind: Literal["all_rows"] = "all_rows"
    request: AllRowsRequest

    def key(self, store: RunStore) -> str:
        versions = ALL_ROWS_VERSION, MOST_ROWS, STUDY_STATISTICS_VERSION
        return address_of(self, store, self.request.run, self.request.epoch, *versions)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.request.run)
        if isinstance(run, Run):
            return _PASSES * cost_of_a_pass(run, min(run.record.rows_train, MOST_ROWS))
        return run.record.num_minibatches * _PASSES_OF_A_STUDY * cost_of_a_pass(run, 1)

    def answer(self, bench: Workbench) -> bytes:
        told: dict[str, Any] = {"request": self.request.model_dump()}
        try:
            found, rows_R, num_rows = self._found(bench)
        except CannotTell as error:
            none = {"row": [], "u": [], "v": [], "length": [], "share": None}
            told |= none | {"is_there": False, "sentence": str(error)}
        else:
            told |= {
                "row": rows_R.tolist(),
                "u": _shortened(found.at_R2[:, 0]),
                "v": _shortened(found.at_R2[:, 1]),
                "length": _shortened(found.lengths_R),
                "share": found.share,
                "is_there": True,
                "sentence": sentence(found, num_rows),
            }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    def _found(self, bench: Workbench) -> tuple[AllRows, np.ndarray, int]:
        """The points, the numbers of their rows, and of how many."""
        asked, run = self.request, bench.store.any_run(self.request.run)
        if run.capabilities.couples_rows_in(asked.mode):
            raise CannotTell(BATCH_STATISTICS)
        if run.capabilities.draws_masks_in(asked.mode):
            raise CannotTell(MASKS)
        if is_along_directions(asked):
            raise CannotTell(NO_DIRECTIONS)
        part = part_of(run, asked)
        if isinstance(run, StudyRun):
            problems = problems_of_run(run, asked.epoch, bench.device, mode=asked.mode)
            found, num_rows = problem_rows(problems, part), rows_of(problems)
            drawn_R = _drawn(num_rows).numpy()
            return replace(found, at_R2=found.at_R2[drawn_R], lengths_R=found.lengths_R[drawn_R]), drawn_R, num_rows
        rows = run.rows()
        drawn_R = rows.train_rows[_drawn(rows.num_train)]
        network = bench.network(asked.run, asked.epoch)
        return (
            network_rows(network, rows.inputs(drawn_R), rows.targets_R[drawn_R], part),
            drawn_R.numpy(),
            rows.num_train,
        )


def _drawn(num_rows: int) -> torch.Tensor:
    """The places of all rows, or of `MOST_ROWS` of them, ascending; the same ones each time."""
    if num_rows <= MOST_ROWS:
        return torch.arange(num_rows)
    return torch.randperm(num_rows, generator=torch.Generator().manual_seed(_SEED))[:MOST_ROWS].sort().values


def sentence(found: AllRows, num_rows: int) -> str:
    """How the coordinates were made, what they hold, and of which rows."""
    return (
        _coordinates(found)
        if len(found.lengths_R) == num_rows
        else (
            f"{_coordinates(found)} Of {num_rows:,} rows {len(found.lengths_R):,} are shown, drawn with a fixed seed."
        )
    )


def _coordinates(found: AllRows) -> str:
    if found.sampled is None:
        return "Each point is the gradient of one row by the two parameters, exactly."
    held = "all gradients are zero" if found.share is None else f"they hold {percent_of(found.share)} of Σ length²"
    return (
        f"The axes are the two leading principal directions of the gradients of {found.sampled} rows, from their inner "
        f"products; {held}. Lengths are those of the whole gradients."
    )


def _shortened(values_R: np.ndarray) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values_R.tolist()]
