"""All kinds of questions: one class each, listed in `AnyQuestion`; local and celery answer them all."""

import hashlib
import struct
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from gradviz.compute.agreement import AgreementQuestion
from gradviz.compute.all_rows import AllRowsQuestion
from gradviz.compute.cosines import CosinesQuestion
from gradviz.compute.directions import direction_sources
from gradviz.compute.estimate import landscape_passes
from gradviz.compute.evidence import LoopQuestion, PartQuestion
from gradviz.compute.found_rows import FoundRowsQuestion
from gradviz.compute.influence import InfluenceQuestion
from gradviz.compute.kinks import KinksQuestion
from gradviz.compute.measures import MeasuresQuestion
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.probe import ProbeQuestion
from gradviz.compute.question import Question, address_of
from gradviz.compute.row_fields import RowFieldsQuestion
from gradviz.compute.row_list import RowsQuestion
from gradviz.compute.sampling import SamplingQuestion
from gradviz.compute.step_landscape import StepLandscapeQuestion
from gradviz.compute.study_landscape import study_key
from gradviz.compute.units import ACTIVITY_ROWS, PairsQuestion, UnitsQuestion
from gradviz.compute.why import WhyQuestion
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.evidence.parts import Asked, LoopField, Part
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.activity import unit_activity_of
from gradviz.landscape.replay.coarser import Order
from gradviz.landscape.request import Checkpoint


class LandscapeQuestion(Question):
    """One gradient landscape; the answer is `GradientField.to_bytes`."""

    kind: Literal["landscape"] = "landscape"
    request: LandscapeRequest

    def key(self, store: RunStore) -> str:
        run = store.any_run(self.request.run)
        if isinstance(run, StudyRun):
            return study_key(run, self.request, *direction_sources(store, self.request))
        return self.request.key(" ".join([run.address(self.request.epoch), *direction_sources(store, self.request)]))

    def answer(self, bench: Workbench) -> bytes:
        return bench.landscape(self.request).to_bytes()

    def passes(self, store: RunStore) -> float:
        return landscape_passes(store, self.request)

    @classmethod
    def prepare(cls, questions: Sequence[Question], bench: Workbench) -> None:
        bench.share_layers_below([each.request for each in questions if isinstance(each, cls)])


class CoarseQuestion(Question):
    """A plane of directions at the points of a coarser grid that lies in it: sooner, and nothing of it is computed
    twice when the whole field follows. The answer is `GradientField.to_bytes`."""

    kind: Literal["coarse"] = "coarse"
    request: LandscapeRequest
    size: int

    def key(self, store: RunStore) -> str:
        self._check()
        field = LandscapeQuestion(request=self.request).key(store)
        return hashlib.blake2b(f"{field} {self.size}".encode(), digest_size=20).hexdigest()

    def answer(self, bench: Workbench) -> bytes:
        self._check()
        return bench.direction_landscape(self.request, coarse=self.size)[0].to_bytes()

    def passes(self, store: RunStore) -> float:
        smaller = self.request.model_copy(update={"points": self.size})
        return LandscapeQuestion(request=smaller).passes(store)

    def _check(self) -> None:
        if not self.request.has_directions:
            raise UserError("`coarse` is for planes along directions: two parameters are quick.")
        Order.coarser_first(self.request.points, self.size)


class ActivityQuestion(Checkpoint, Question):
    """The share of training rows on which each hidden unit is active, in eval mode; `arrays_of` reads the answer."""

    kind: Literal["activity"] = "activity"

    def key(self, store: RunStore) -> str:
        run = store.any_run(self.run)
        if isinstance(run, StudyRun):
            raise UserError(
                f"The run {run.name} is of the study {run.study_name}: /units tells the activity of its units, layer by"
                " layer."
            )
        return address_of(self, store, self.run, self.epoch, ACTIVITY_ROWS)

    def answer(self, bench: Workbench) -> bytes:
        inputs = bench.store.run(self.run).training_inputs(limit=ACTIVITY_ROWS)
        shares = unit_activity_of(bench.network(self.run, self.epoch), inputs)
        return packed_arrays([share.cpu().numpy() for share in shares])


AnyQuestion = Annotated[
    LandscapeQuestion
    | CoarseQuestion
    | ActivityQuestion
    | AgreementQuestion
    | CosinesQuestion
    | UnitsQuestion
    | PairsQuestion
    | PartQuestion
    | LoopQuestion
    | WhyQuestion
    | MeasuresQuestion
    | SamplingQuestion
    | AllRowsQuestion
    | FoundRowsQuestion
    | InfluenceQuestion
    | PlaneQuestion
    | ProbeQuestion
    | RowFieldsQuestion
    | RowsQuestion
    | StepLandscapeQuestion
    | KinksQuestion,
    Field(discriminator="kind"),
]
QUESTION: TypeAdapter[AnyQuestion] = TypeAdapter(AnyQuestion)


def question_of(asked: Asked) -> Question:
    """The evidence's request as a question."""
    if isinstance(asked, Part):
        return PartQuestion.of(asked)
    return LoopQuestion.of(asked) if isinstance(asked, LoopField) else LandscapeQuestion(request=asked)


def packed_arrays(arrays: Sequence[np.ndarray]) -> bytes:
    """One-dimensional arrays as float32, behind their number and lengths."""
    lengths = struct.pack(f"<{len(arrays) + 1}I", len(arrays), *(len(array) for array in arrays))
    return lengths + b"".join(array.astype("<f4").tobytes() for array in arrays)


def arrays_of(content: bytes) -> list[np.ndarray]:
    """The inverse of `packed_arrays`."""
    (count,) = struct.unpack_from("<I", content)
    lengths = struct.unpack_from(f"<{count}I", content, 4)
    flat = np.frombuffer(content, "<f4", offset=4 * (count + 1))
    return np.split(flat, np.cumsum(lengths)[:-1])
