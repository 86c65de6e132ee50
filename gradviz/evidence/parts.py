"""The questions that the evidence asks of runs: for statistics, for a field, and for a field by the plain loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gradviz.errors import UserError
from gradviz.evidence.controls import Apart, ChosenRows, Drift, RandomPairs, RoughPairs
from gradviz.evidence.measurements import (
    Ablation,
    Agreement,
    Checkpoint,
    Intervention,
    MaskSplit,
    Null,
    StudyEpoch,
    WholeModel,
)
from gradviz.evidence.values import Measured
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.scalar import Scalar

PartKind = Literal[
    "scene",
    "checkpoint",
    "nulls",
    "nulls-by-size",
    "intervention",
    "masks",
    "ablation",
    "chosen",
    "random-pairs",
    "rough-pairs",
    "drift",
    "whole",
    "apart",
]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Part:
    """Statistics of one checkpoint; the answer is the JSON of a `PartAnswer`, of another study's of a `StudyAnswer`.

    `scene` is the key of a picture of the source whose minibatches' agreement is asked for (its fields are asked for
    one by one), or beside which pairs of random units are. `whole`: of all parameters, not of the biases alone.
    `other`: the run whose distance is asked for.
    """

    kind: PartKind
    run: str
    epoch: int
    scene: str = ""
    whole: bool = False
    other: str = ""


@dataclass(frozen=True)
class LoopField:
    """A field by the plain loop, in one of two precisions; the answer is `GradientField.to_bytes`."""

    request: LandscapeRequest
    precision: Precision


def layer_words(request: LandscapeRequest) -> str:
    """The layer of the first parameter: `hidden layer 1`; of another network than the built-in one the module."""
    try:
        return f"hidden layer {request.refs[0].layer}"
    except UserError:
        return Scalar.parse(request.x).name.rpartition(".")[0] or "the model itself"


Asked = Part | LoopField | LandscapeRequest
"""The answer to a `LandscapeRequest` is `GradientField.to_bytes`."""

Answers = Mapping[Asked, bytes]


def run_of(asked: Asked) -> str:
    """The run that a question is about."""
    return asked.request.run if isinstance(asked, LoopField) else asked.run


class PartAnswer(Measured):
    """What was measured: only what the part asked for is filled in."""

    agreements: tuple[Agreement, ...] = ()
    checkpoint: Checkpoint | None = None
    nulls: tuple[Null, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    mask_splits: tuple[MaskSplit, ...] = ()
    ablation: Ablation | None = None
    chosen: tuple[ChosenRows, ...] = ()
    random_pairs: tuple[RandomPairs, ...] = ()
    rough_pairs: tuple[RoughPairs, ...] = ()
    drifts: tuple[Drift, ...] = ()
    aparts: tuple[Apart, ...] = ()
    wholes: tuple[WholeModel, ...] = ()


class StudyAnswer(Measured):
    """The same of a run of another study than deliveries."""

    agreements: tuple[Agreement, ...] = ()
    checkpoint: StudyEpoch | None = None
    nulls: tuple[Null, ...] = ()
