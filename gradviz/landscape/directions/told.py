"""What is told of a plane of directions beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gradviz.landscape.directions.axis import Towards, parse_axis
from gradviz.landscape.directions.vector import Parameters, Vector, inner_product, share_within


@dataclass(frozen=True)
class AxisFacts:
    """`text`: the axis; `meaning`: what coordinate 1 is; `unit`: the same in few words; `notes`: whole sentences;
    `length`: of the vector, as a norm over all parameters; `part`: of the length of what `text` stands for, the part
    across the other axis."""

    text: str
    meaning: str
    notes: tuple[str, ...]
    length: float
    unit: str = ""
    part: float = 1.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AxisFacts":
        """The inverse of `dataclasses.asdict`, through JSON."""
        return cls(**{**values, "notes": tuple(values["notes"])})


@dataclass(frozen=True)
class PlaneFacts:
    """Both axes, their inner products `gram` (xx, xy, yy), and the share of ‖∇J‖ at the checkpoint that lies in the
    plane: the length of the gradient's projection over its own; None where the gradient is zero. `statistics`: which
    batch statistics are used, as a sentence; empty for networks without any."""

    x: AxisFacts
    y: AxisFacts
    gram: tuple[float, float, float]
    gradient_share: float | None
    statistics: str = ""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PlaneFacts":
        """The inverse of `dataclasses.asdict`, through JSON."""
        x, y = (AxisFacts.from_dict(values[name]) for name in ("x", "y"))
        return cls(x, y, tuple(values["gram"]), values["gradient_share"], values["statistics"])


def facts_of(x: Vector, y: Vector, gradient: Parameters, statistics: str = "") -> PlaneFacts:
    """Of two orthogonal directions, and the gradient at the checkpoint."""
    xx, xy, yy = (inner_product(a.parts, b.parts) for a, b in ((x, x), (x, y), (y, y)))
    return PlaneFacts(axis_facts(x), axis_facts(y), (xx, xy, yy), share_within(gradient, x, y), statistics)


def axis_facts(vector: Vector) -> AxisFacts:
    """Of one axis of a plane."""
    return AxisFacts(vector.text, vector.meaning, vector.notes, vector.length, vector.unit, vector.part)


def statistics_of(mode: Literal["eval", "train"], epoch: int, *axes: str) -> str:
    """Which batch statistics a network that has some uses in a plane of these axes through the checkpoint of an epoch,
    and what that means for the loss on the way to another checkpoint."""
    if mode == "train":
        return "Batch statistics are the minibatch's own at every point."
    told = f"Batch statistics are the running ones of epoch {epoch} at every point"
    others = [f"{axis.run}/{axis.epoch}" for axis in map(parse_axis, axes) if isinstance(axis, Towards)]
    if not others:
        return f"{told}."
    return f"{told}, also at {' and '.join(others)}, whose own loss may differ from the one drawn there."
