"""The questions that the evidence asks of runs: for statistics, for a field, and for a field by the plain loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gradviz.evidence.measurements import Ablation, Agreement, Checkpoint, Intervention, MaskSplit, Measured, Null
from gradviz.landscape import LandscapeRequest

PartKind = Literal["scene", "checkpoint", "nulls", "nulls-by-size", "intervention", "masks", "ablation"]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Part:
    """Statistics of one checkpoint; the answer is the JSON of a `PartAnswer`.

    `scene` is the key of a picture of the source whose minibatches' agreement is asked for: its fields are asked for
    one by one. `whole`: of all parameters, not of the biases alone.
    """

    kind: PartKind
    run: str
    epoch: int
    scene: str = ""
    whole: bool = False


@dataclass(frozen=True)
class LoopField:
    """A field by the plain loop, in one of two precisions; the answer is `GradientField.to_bytes`."""

    request: LandscapeRequest
    precision: Precision


Asked = Part | LoopField | LandscapeRequest
"""The answer to a `LandscapeRequest` is `GradientField.to_bytes`."""

Answers = Mapping[Asked, bytes]


class PartAnswer(Measured):
    """What was measured: only what the part asked for is filled in."""

    agreements: tuple[Agreement, ...] = ()
    checkpoint: Checkpoint | None = None
    nulls: tuple[Null, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    mask_splits: tuple[MaskSplit, ...] = ()
    ablation: Ablation | None = None
