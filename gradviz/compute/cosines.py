"""The cosines between the minibatches' gradients for one part of the model, as a question; its answer is JSON."""

import json
import math
from typing import Literal

import numpy as np
from pydantic import Field

from gradviz.compute.question import Question, address_of
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, Draws, passes_of, problems_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.statistics import by_direction, minibatch_cosines, problem_cosines

DECIMALS = 6
_NUM_MASKS = 8  # as `minibatch_cosines` has them


class CosinesRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """All minibatches of a size (at most 50) at a checkpoint, for one part of the model."""

    part: str = Field(
        min_length=1,
        max_length=200,
        description="`model`, a layer or module, or a tensor",
        examples=["model", "hidden.1", "hidden.1.linear.bias"],
    )


class CosinesQuestion(CosinesRequest, Question):
    """The answer is JSON."""

    kind: Literal["cosines"] = "cosines"

    def key(self, store: RunStore) -> str:
        of_study = (STUDY_STATISTICS_VERSION,) if isinstance(store.any_run(self.run), StudyRun) else ()
        return address_of(self, store, self.run, self.epoch, DECIMALS, *of_study)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.run)
        return passes_of(run, self, self._draws) if isinstance(run, StudyRun) else super().passes(store)

    def answer(self, bench: Workbench) -> bytes:
        cosine_KK = self._cosines(bench)
        told = [[None if math.isnan(value) else round(value, DECIMALS) for value in row] for row in cosine_KK.tolist()]
        answer = {"part": self.part, "cosine": told, "order": by_direction(cosine_KK)}
        return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()

    def _cosines(self, bench: Workbench) -> np.ndarray:
        run = bench.store.any_run(self.run)
        if isinstance(run, StudyRun):
            return problem_cosines(problems_of(run, self, self._draws, bench.device), self.part)
        return minibatch_cosines(
            bench.network(self.run, self.epoch),
            *run.minibatches(self.minibatch_size),
            self.part,
            mode=self.mode,
            masks=self.masks,
            seed=self.seed,
        )

    @property
    def _draws(self) -> Draws:
        return Draws(self.masks, _NUM_MASKS, self.seed)
