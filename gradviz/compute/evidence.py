"""A part of the evidence as a question of the compute interface: kept by its key, measured after what is waited for."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from pydantic import Field

from gradviz.compute.question import Question, address_of
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.evidence.measurements import Ablation, Agreement, Checkpoint, Measured, Null, RoundOff
from gradviz.evidence.measuring import EVIDENCE_VERSION, Measuring
from gradviz.evidence.scenes import MINIBATCH_SIZE
from gradviz.experiment.names import OfRun
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

Part = Literal["scene", "checkpoint", "nulls", "precision", "ablation"]


class PartAnswer(Measured):
    """What was measured: that which was asked for."""

    agreements: tuple[Agreement, ...] = ()
    checkpoint: Checkpoint | None = None
    nulls: tuple[Null, ...] = ()
    round_off: RoundOff | None = None
    ablation: Ablation | None = None


class PartQuestion(OfRun, Question):
    """One part of the evidence at a checkpoint; the answer is the JSON of a `PartAnswer`.

    `scene` is the key of a figure of the source, whose agreements are asked for: its fields are questions of their own.
    `whole`: in all parameters, not in the biases alone.
    """

    kind: Literal["evidence"] = "evidence"
    part: Part
    epoch: int = Field(ge=0, lt=10_000)
    scene: str = Field(default="", pattern=r"^[a-z-]{0,64}$")
    whole: bool = False

    def key(self, store: RunStore) -> str:
        return address_of(self, store, self.run, self.epoch, EVIDENCE_VERSION)

    def answer(self, bench: Workbench) -> bytes:
        return self._measured(Measuring(AtBench(bench))).model_dump_json().encode()

    def _measured(self, measuring: Measuring) -> PartAnswer:
        if self.part == "scene":
            spec = next((spec for spec in measuring.scenes if spec.key == self.scene), None)
            if spec is None or (spec.run, spec.epoch) != (self.run, self.epoch):
                raise UserError("The runs have changed meanwhile: ask again.")
            return PartAnswer(agreements=tuple(measuring.scene_agreements(spec)))
        if self.part == "checkpoint":
            return PartAnswer(checkpoint=measuring.checkpoint(self.run, self.epoch))
        if self.part == "nulls":
            return PartAnswer(nulls=measuring.nulls_at(self.epoch, (MINIBATCH_SIZE,)))
        if self.part == "ablation":
            return PartAnswer(ablation=measuring.ablation_at(self.epoch))
        return PartAnswer(round_off=measuring.round_off())

    @property
    def doing(self) -> str:
        """What is measured, in words."""
        what = {
            "scene": f"{self.scene}: agreement",
            "checkpoint": "agreement and roughness",
            "nulls": "the null model of random rows",
            "ablation": "what the number of deliverers is worth",
            "precision": "the plain loop in float32 and float64",
        }
        return f"{what[self.part]} ({self.run}, epoch {self.epoch})"


class AtBench:
    """Measures on a workbench whose turn the caller holds; keeps nothing, for the caller's answer is kept."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.store, self.cache = bench, bench.store, _Nowhere()

    def landscape(self, request: LandscapeRequest) -> GradientField:
        return self.bench.minibatch(request).landscape(request.spec())

    def minibatches(self, request: LandscapeRequest, indices: Iterable[int]) -> Iterator[tuple[int, GradientField]]:
        for index in indices:
            yield index, self.landscape(request.model_copy(update={"minibatch": index}))


class _Nowhere:
    def once(self, key: str, compute: Callable[[], bytes]) -> bytes:
        return compute()
