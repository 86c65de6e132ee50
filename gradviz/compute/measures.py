"""The literature's measures of the minibatches' gradients at a checkpoint, as a question; its answer is JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from torch import nn

from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.study_landscape import ROWS_OF_A_STUDY, study_of
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, Draws, gradient_passes, problems_of
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError, shown
from gradviz.experiment.anatomy import anatomy_of
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.replay import Problem
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.statistics import (
    Gradients,
    InnerProducts,
    Measured,
    measured_sharpness,
    measures_of,
    parts_of,
    parts_of_model,
    problem_products,
    sharpness_along_gradients,
)
from gradviz.landscape.statistics.checkpoint import minibatch_products

BOOTSTRAP_SEED = 0
MEASURES_VERSION = 1
"""Part of every key: raise it whenever the same question gets different numbers."""

_SHARPNESS_PASSES = 16
"""Of a minibatch: forward, backward, and both again for the product with the Hessian, in float64."""

_MOST_NAMED = 12

Which = Literal["gradients", "curvature", "all"]


class MeasuresRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """All minibatches of a size (at most 50) at a checkpoint, for one part of the model.

    `which`: those that follow from inner products of gradients, batch sharpness, which takes longer, or all.
    """

    num_masks: int = Field(default=8, ge=1, le=16)
    part: str = Field(
        default="model", min_length=1, max_length=200, description="`model`, a layer or module, or a tensor"
    )
    which: Which = "all"


class MeasuresQuestion(Question):
    """Each measure with its number and interval, or why there is none."""

    kind: Literal["measures"] = "measures"
    request: MeasuresRequest

    def key(self, store: RunStore) -> str:
        return address_of(
            self,
            store,
            self.request.run,
            self.request.epoch,
            MEASURES_VERSION,
            BOOTSTRAP_SEED,
            STUDY_STATISTICS_VERSION,
        )

    def passes(self, store: RunStore) -> float:
        asked, run = self.request, store.any_run(self.request.run)
        sets = asked.num_masks if asked.masks == "averaged" and run.capabilities.draws_masks_in(asked.mode) else 1
        rows = asked.minibatch_size if isinstance(run, Run) else ROWS_OF_A_STUDY
        each = run.num_minibatches(asked.minibatch_size) * sets * cost_of_a_pass(run, rows)
        gradients = gradient_passes(run, sets) if isinstance(run, StudyRun) else 3 * each
        return (asked.which != "curvature") * gradients + (asked.which != "gradients") * _SHARPNESS_PASSES * each

    def answer(self, bench: Workbench) -> bytes:
        of = _gradients_of(self.request, bench)
        measures: list[Measured] = []
        if self.request.which != "curvature":
            measures += measures_of(of.gradients())
        if self.request.which != "gradients":
            measures.append(measured_sharpness(sharpness_along_gradients(of.problems(), of.tensors, _bootstrap())))
        told = {
            "request": self.request.model_dump(),
            "num_minibatches": len(of.num_rows),
            "num_rows": sum(of.num_rows),
            "measures": [asdict(each) for each in measures],
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


@dataclass(frozen=True)
class _OfMinibatches:
    """What the measures are of: the part's tensors, its norms, and the rows of each minibatch.

    `products` are the inner products of the gradients by each of these parts.
    """

    part: str
    tensors: list[str]
    norms: list[str]
    num_rows: list[int]
    products: Callable[[list[str]], Mapping[str, InnerProducts]]
    problems: Callable[[], list[Problem]]

    def gradients(self) -> Gradients:
        found = self.products(list(dict.fromkeys([self.part, *self.norms])))
        norms_KK = np.sum([found[name].dot_KK for name in self.norms], axis=0) if self.norms else None
        harmonic = len(self.num_rows) / sum(1 / each for each in self.num_rows)
        return Gradients(found[self.part].dot_KK, norms_KK, harmonic, _bootstrap())


def _gradients_of(asked: MeasuresRequest, bench: Workbench) -> _OfMinibatches:
    run = bench.store.any_run(asked.run)
    return _of_study(run, asked, bench) if isinstance(run, StudyRun) else _of_deliveries(run, asked, bench)


def _of_deliveries(run: Run, asked: MeasuresRequest, bench: Workbench) -> _OfMinibatches:
    network, rows = bench.network(asked.run, asked.epoch), run.minibatches(asked.minibatch_size)
    model = bench.model(asked.run, asked.epoch)
    tensors, norms = _tensors_of(asked.part, parts_of(network), model)
    random = {"mode": asked.mode, "masks": asked.masks, "num_masks": asked.num_masks, "seed": asked.seed}

    def products(parts: list[str]) -> Mapping[str, InnerProducts]:
        return minibatch_products(network, *rows, parts=parts, **random)[1]

    def problems() -> list[Problem]:
        batches = zip(*(each.to(bench.device) for each in rows), strict=True)
        return [Problem(model, study_of(run).loss, batch, **random) for batch in batches]

    return _OfMinibatches(asked.part, tensors, norms, [asked.minibatch_size] * len(rows[1]), products, problems)


def _of_study(run: StudyRun, asked: MeasuresRequest, bench: Workbench) -> _OfMinibatches:
    problems = problems_of(run, asked, Draws(asked.masks, asked.num_masks, asked.seed), bench.device)
    model = problems[0].model
    tensors, norms = _tensors_of(asked.part, parts_of_model(model), model)
    return _OfMinibatches(
        asked.part,
        tensors,
        norms,
        [problem.num_rows for problem in problems],
        lambda parts: problem_products(problems, parts=parts),
        lambda: problems,
    )


def _tensors_of(part: str, available: Mapping[str, list[str]], model: nn.Module) -> tuple[list[str], list[str]]:
    """A part's tensors, and those of them that are γ or β; `UserError` for a part that the model lacks."""
    if part not in available:
        told = ", ".join(list(available)[:_MOST_NAMED])
        raise UserError(f"`{shown(part)}` is no part of this model; it has {told}, …")
    of_norms = {tensor.name for tensor in anatomy_of(model).tensors if tensor.kind in ("gamma", "beta")}
    return available[part], [name for name in available[part] if name in of_norms]


def _bootstrap() -> np.random.Generator:
    return np.random.default_rng(BOOTSTRAP_SEED)
