"""The rows of a minibatch as a list, each with its own arrow at the checkpoint, as a question; its answer is JSON."""

import json
from dataclasses import asdict, replace
from typing import Any, Literal

import numpy as np
import torch

from gradviz.compute.directions import direction_sources
from gradviz.compute.estimate import num_sets, vectors_passes
from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.row_texts import Shown, shown_of_deliveries, shown_of_study
from gradviz.compute.study_landscape import REPLAY_VERSION, ROWS_OF_A_STUDY, batch_of, row_numbers, study_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment import asking
from gradviz.experiment.losses import CrossEntropy
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.gates import active_rows
from gradviz.landscape.per_row.at_checkpoint import RowsAtCheckpoint, rows_by_engine, rows_by_replay
from gradviz.landscape.replay import Problem
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.scalar import Scalar

ROW_LIST_VERSION = 2
"""Part of every key: raise it whenever the same question gets another answer."""

_PASSES_OF_A_STUDY = 12  # one forward and three backward passes in float64

OWN = "A row's arrow is the gradient of its own loss at the checkpoint; the minibatch's arrow is their mean."
COUPLED = (
    "Batch statistics couple the rows: a row's arrow is the derivative of its own loss while all rows move the "
    "statistics. The minibatch's arrow is their mean, but without one row the others' arrows are different."
)
MASKS = "Masks belong to places in the minibatch: a row at another place is seen under another mask."
ONE_NUMBER = (
    "The loss of this study is one number for the whole minibatch, so its rows have no arrows of their own: let `loss` "
    "return the losses (B,) of the rows."
)
ZERO = "Every row's arrow is zero here."
CANCEL = "The rows' arrows cancel up to round-off, so no row has a share of their sum."


class RowsQuestion(Question):
    """The rows of the request's minibatch."""

    kind: Literal["rows"] = "rows"
    request: LandscapeRequest

    def key(self, store: RunStore) -> str:
        of_directions = direction_sources(store, self.request)
        versions = ROW_LIST_VERSION, REPLAY_VERSION
        return address_of(self, store, self.request.run, self.request.epoch, *versions, *of_directions)

    def passes(self, store: RunStore) -> float:
        asked, run = self.request, store.any_run(self.request.run)
        sets = num_sets(run, asked.mode, asked.masks, asked.num_masks)
        if isinstance(run, Run) and not asked.has_directions:
            return sets * 2 * cost_of_a_pass(run, asked.num_rows)
        rows = ROWS_OF_A_STUDY if isinstance(run, StudyRun) else asked.num_rows
        vectors = vectors_passes(store, asked) if asked.has_directions else 0.0
        return vectors + sets * _PASSES_OF_A_STUDY * cost_of_a_pass(run, rows)

    def answer(self, bench: Workbench) -> bytes:
        asked, run = self.request, bench.store.any_run(self.request.run)
        by_engine = isinstance(run, Run) and not asked.has_directions
        found = rows_by_engine(bench.minibatch(asked), asked.spec()) if by_engine else _by_replay(bench, run, asked)
        told = _about(run, asked, found) | {"rows": _rows(run, asked, found)}
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _by_replay(bench: Workbench, run: Run | StudyRun, asked: LandscapeRequest) -> RowsAtCheckpoint | None:
    problem, plane = bench.problem(asked)
    found = rows_by_replay(problem, plane)
    if found is None or run.capabilities.draws_masks_in(asked.mode):
        return found
    answers = asking.answers(study_of(run), problem.model, problem.batch, training=asked.mode == "train")
    if answers is not None:
        prediction_B, target_B = (each.double().cpu().numpy() for each in answers)
        found = replace(found, prediction_B=prediction_B, target_B=target_B)
    active_x_B, active_y_B = (_active(run, problem, axis) for axis in (plane.x, plane.y))
    return replace(found, active_x_B=active_x_B, active_y_B=active_y_B)


def _active(run: Run | StudyRun, problem: Problem, axis: object) -> np.ndarray | None:
    """(B,) bool: whether the unit of a parameter is active on each row; None for a direction, for a layer that no ReLU
    follows, and where batch statistics decide it."""
    if not isinstance(axis, Scalar) or not isinstance(run, StudyRun) or not axis.index:
        return None
    if run.capabilities.couples_rows_in(problem.mode):
        return None
    layer = next((tensor.layer for tensor in run.anatomy.tensors if tensor.name == axis.name), None)
    own = [tensor.name for tensor in run.anatomy.tensors if tensor.layer == layer]
    active_B = active_rows(problem, axis.name, axis.index, own)
    return None if active_B is None else active_B.cpu().numpy()


def _about(run: Run | StudyRun, asked: LandscapeRequest, found: RowsAtCheckpoint | None) -> dict[str, Any]:
    """What is said of all rows together."""
    has_masks = run.capabilities.draws_masks_in(asked.mode)
    coupled = run.capabilities.couples_rows_in(asked.mode)
    sentences = [ONE_NUMBER] if found is None else [COUPLED if coupled else OWN]
    sentences += [MASKS] if has_masks and found is not None else []
    if found is not None and found.shares_B is None:
        sentences.insert(0, CANCEL if found.u_B.any() or found.v_B.any() else ZERO)
    has_classes = isinstance(run, StudyRun) and isinstance(run.study.loss, CrossEntropy)
    told = {
        "request": asked.model_dump(),
        "num_rows": run.num_rows(),
        "coupled": coupled,
        "has_masks": has_masks,
        "has_classes": has_classes,
    }
    arrow = (None, None) if found is None else (float(found.u_B.mean()), float(found.v_B.mean()))
    return told | {"sentence": " ".join(sentences), "u": arrow[0], "v": arrow[1]}


def _rows(run: Run | StudyRun, asked: LandscapeRequest, found: RowsAtCheckpoint | None) -> list[dict[str, Any]]:
    shown = _shown(run, asked)
    return [
        {"row": row, "text": text, "image": None if image is None else asdict(image), **_numbers(found, k)}
        for k, (row, text, image) in enumerate(zip(shown.rows, shown.texts, shown.images, strict=True))
    ]


def _shown(run: Run | StudyRun, asked: LandscapeRequest) -> Shown:
    own = row_numbers(run, asked)
    if isinstance(run, Run):
        return shown_of_deliveries(run, own)
    return shown_of_study(run, own, batch_of(run, asked, torch.device("cpu")))


def _numbers(found: RowsAtCheckpoint | None, k: int) -> dict[str, Any]:
    """What is told of the k-th row."""
    names = ("loss", "u", "v", "share", "prediction", "target", "residual", "below")
    if found is None:
        return dict.fromkeys(names) | {"active": [None, None]}
    shares_B = found.shares_B
    told: dict[str, Any] = {"loss": found.loss_B[k], "u": found.u_B[k], "v": found.v_B[k]}
    told["share"] = None if shares_B is None else shares_B[k]
    told |= {"prediction": None, "target": None, "residual": None}
    if found.prediction_B is not None and found.target_B is not None:
        told |= {"prediction": found.prediction_B[k], "target": found.target_B[k]}
        told["residual"] = found.prediction_B[k] - found.target_B[k]
    told = {name: None if value is None else float(value) for name, value in told.items()}
    below = None if told["residual"] is None else told["residual"] < 0
    active = [None if each is None else bool(each[k]) for each in (found.active_x_B, found.active_y_B)]
    return told | {"below": below, "active": active}
