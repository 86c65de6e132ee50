"""The evidence's measurements as questions, computed when no one waits for other results."""

from typing import Literal

import torch
from pydantic import Field

from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.study_statistics import STUDY_STATISTICS_VERSION, gradient_passes
from gradviz.compute.workbench import Workbench
from gradviz.evidence.measuring import measured, version_of
from gradviz.evidence.parts import LoopField, Part, PartKind, Precision
from gradviz.experiment.names import OfRun
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.statistics.pooled_rows import REDRAWS


class PartQuestion(OfRun, Question):
    """A `Part`, whose fields it has; the answer is the JSON of a `PartAnswer`."""

    kind: Literal["evidence"] = "evidence"
    part: PartKind
    epoch: int = Field(ge=0, lt=10_000)
    scene: str = Field(default="", pattern=r"^[a-z-]{0,64}$")
    whole: bool = False
    other: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$", exclude_if=lambda name: not name)
    """Left out where it is empty, so that answers kept before it was asked stay valid."""

    @classmethod
    def of(cls, part: Part) -> "PartQuestion":
        asked = {"part": part.kind, "run": part.run, "epoch": part.epoch}
        return cls(**asked, scene=part.scene, whole=part.whole, other=part.other)

    def key(self, store: RunStore) -> str:
        of_study = (STUDY_STATISTICS_VERSION,) if isinstance(store.any_run(self.run), StudyRun) else ()
        of_other = (store.run(self.other).address(self.epoch),) if self.other else ()
        return address_of(self, store, self.run, self.epoch, version_of(self.part), *of_study, *of_other)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.run)
        if not isinstance(run, StudyRun):
            return super().passes(store)
        # The null model of a large network passes through all minibatches again for each of its cuts, in float32 alone.
        rounds = 1 + (REDRAWS if self.part == "nulls" else self.whole)
        return rounds * gradient_passes(run, 1)

    def answer(self, bench: Workbench) -> bytes:
        part = Part(self.part, self.run, self.epoch, self.scene, self.whole, self.other)
        return measured(part, bench).model_dump_json().encode()


class LoopQuestion(Question):
    """A `LoopField`: autograd at every grid point, as the source computed it, round-off and all."""

    kind: Literal["loop"] = "loop"
    request: LandscapeRequest
    precision: Precision

    @classmethod
    def of(cls, field: LoopField) -> "LoopQuestion":
        return cls(request=field.request, precision=field.precision)

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.request.run, self.request.epoch)

    def answer(self, bench: Workbench) -> bytes:
        return bench.reference(self.request, getattr(torch, self.precision)).to_bytes()

    def passes(self, store: RunStore) -> float:
        asked = self.request
        return asked.points**2 * cost_of_a_pass(store.any_run(asked.run), asked.minibatch_size)
