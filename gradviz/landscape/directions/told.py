"""What is told of a plane of directions beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradviz.landscape.directions.vector import Parameters, Vector, inner_product, share_within


@dataclass(frozen=True)
class AxisFacts:
    """`text`: the axis; `meaning`: what coordinate 1 is; `notes`: whole sentences; `length`: of the vector, as a norm
    over all parameters."""

    text: str
    meaning: str
    notes: tuple[str, ...]
    length: float


@dataclass(frozen=True)
class PlaneFacts:
    """Both axes, their inner products `gram` (xx, xy, yy), and the share of ‖∇J‖ at the checkpoint that lies in the
    plane: the length of the gradient's projection over its own; None where the gradient is zero."""

    x: AxisFacts
    y: AxisFacts
    gram: tuple[float, float, float]
    gradient_share: float | None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PlaneFacts":
        """The inverse of `dataclasses.asdict`, through JSON."""
        x, y = (AxisFacts(**{**values[name], "notes": tuple(values[name]["notes"])}) for name in ("x", "y"))
        return cls(x, y, tuple(values["gram"]), values["gradient_share"])


def facts_of(x: Vector, y: Vector, gradient: Parameters) -> PlaneFacts:
    """Of two orthogonal directions, and the gradient at the checkpoint."""
    xx, xy, yy = (inner_product(a.parts, b.parts) for a, b in ((x, x), (x, y), (y, y)))
    a, b = (AxisFacts(each.text, each.meaning, each.notes, each.length) for each in (x, y))
    return PlaneFacts(a, b, (xx, xy, yy), share_within(gradient, x, y))
