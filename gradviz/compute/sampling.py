"""How far another minibatch would turn the arrow at a checkpoint, as a question; its answer is JSON."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Literal

from pydantic import Field

from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.study_landscape import ROWS_OF_A_STUDY
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, Draws, problems_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.request import (
    Checkpoint,
    ChosenRows,
    Evaluation,
    LandscapeRequest,
    MinibatchSize,
    TwoParameters,
)
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.row_gradients import row_slopes
from gradviz.landscape.statistics.sampling import Sampling, pair_sampling, sampling_of

SAMPLING_VERSION = 1
"""Part of every key: raise it whenever the same question gets different numbers."""

_PASSES = 3  # of every row, forward and backward
_PASSES_OF_A_STUDY = 24  # in float64, by minibatches and row by row

NO_DIRECTIONS = "The sampling ellipse is for planes of two parameters."
MASKS = "In train mode the masks add to the spread, which a sampling ellipse does not hold: choose eval mode."
BATCH_STATISTICS = (
    "Under batch statistics a row has no gradient of its own, so there is no sampling ellipse: choose eval mode."
)
COUPLED = (
    "There is no sampling ellipse: rows of this study have no gradients of their own, or they are too large to hold."
)
FEWER = "There is no sampling ellipse: more rows are chosen than the run's minibatches have."
ALONE = "There is no sampling ellipse: this run has only one minibatch."


class SamplingRequest(TwoParameters, Checkpoint, MinibatchSize, ChosenRows, Evaluation):
    """Two parameters at a checkpoint, and all minibatches of a size, whose rows are drawn from: as many as one of them
    has, or as are chosen."""

    x: str = Field(max_length=350)
    y: str = Field(max_length=350)

    @classmethod
    def of_picture(cls, request: LandscapeRequest) -> "SamplingRequest":
        """That of a plane of two parameters."""
        return cls.of(**request.model_dump(include=set(cls.model_fields)))


class SamplingQuestion(Question):
    """The mean and the covariance of minibatches' gradients, or the reason why there are none."""

    kind: Literal["sampling"] = "sampling"
    request: SamplingRequest

    def key(self, store: RunStore) -> str:
        versions = SAMPLING_VERSION, STUDY_STATISTICS_VERSION
        return address_of(self, store, self.request.run, self.request.epoch, *versions)

    def passes(self, store: RunStore) -> float:
        run, size = store.any_run(self.request.run), self.request.minibatch_size
        rows, passes = (size, _PASSES) if isinstance(run, Run) else (ROWS_OF_A_STUDY, _PASSES_OF_A_STUDY)
        return run.num_minibatches(size) * passes * cost_of_a_pass(run, rows)

    def answer(self, bench: Workbench) -> bytes:
        found = self._found(bench)
        told = (
            {"sampling": None, "reason": found}
            if isinstance(found, str)
            else {"sampling": asdict(found), "reason": None}
        )
        return json.dumps(told | {"request": self.request.model_dump()}, allow_nan=False).encode()

    def _found(self, bench: Workbench) -> Sampling | str:
        asked, run = self.request, bench.store.any_run(self.request.run)
        if run.capabilities.draws_masks_in(asked.mode):
            return MASKS
        if run.capabilities.couples_rows_in(asked.mode):
            return BATCH_STATISTICS
        if run.num_minibatches(asked.minibatch_size) == 1:
            return ALONE
        return self._of_study(run, bench) if isinstance(run, StudyRun) else self._of_deliveries(run, bench)

    def _of_deliveries(self, run: Run, bench: Workbench) -> Sampling | str:
        asked = self.request
        network = bench.network(asked.run, asked.epoch)
        inputs_KBI, targets_KB = run.minibatches(asked.minibatch_size)
        pair = [ParameterRef.parse(text) for text in (asked.x, asked.y)]
        size = asked.minibatch_size if asked.rows is None else len(asked.rows)
        if size > targets_KB.numel():
            return FEWER
        return pair_sampling(network, inputs_KBI.flatten(0, 1), targets_KB.flatten(), pair, size)

    def _of_study(self, run: StudyRun, bench: Workbench) -> Sampling | str:
        problems = problems_of(run, self.request, Draws(), bench.device)
        slopes_R2 = row_slopes(problems, [Scalar.parse(text) for text in (self.request.x, self.request.y)])
        if slopes_R2 is None:
            return COUPLED
        [(size, _)] = Counter(problem.num_rows for problem in problems).most_common(1)
        if self.request.rows is not None:
            size = len(self.request.rows)
        return FEWER if size > len(slopes_R2) else sampling_of(slopes_R2, size)
