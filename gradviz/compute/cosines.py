"""The cosines between the minibatches' gradients for one part of the model, as a question; its answer is JSON."""

import json
import math
from typing import Literal

from pydantic import Field

from gradviz.compute.question import Question, address_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape.request import Checkpoint, MaskedEvaluation, MinibatchSize
from gradviz.landscape.statistics import by_direction, minibatch_cosines

DECIMALS = 6


class CosinesRequest(Checkpoint, MinibatchSize, MaskedEvaluation):
    """All minibatches of a size (at most 50) at a checkpoint, for one part of the model."""

    part: str = Field(
        min_length=1,
        max_length=80,
        description="`model`, a layer or a tensor",
        examples=["model", "hidden.1", "hidden.1.linear.bias"],
    )


class CosinesQuestion(CosinesRequest, Question):
    """The answer is JSON."""

    kind: Literal["cosines"] = "cosines"

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.run, self.epoch, DECIMALS)

    def answer(self, bench: Workbench) -> bytes:
        run = bench.store.run(self.run)
        network = bench.network(self.run, self.epoch)
        cosine_KK = minibatch_cosines(
            network,
            *run.minibatches(self.minibatch_size),
            self.part,
            mode=self.mode,
            masks=self.masks,
            seed=self.seed,
        )
        told = [[None if math.isnan(value) else round(value, DECIMALS) for value in row] for row in cosine_KK.tolist()]
        answer = {"part": self.part, "cosine": told, "order": by_direction(cosine_KK)}
        return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
