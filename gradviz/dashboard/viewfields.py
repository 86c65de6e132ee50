"""The fields of the view, each with its key in the address and the component that holds it: one table, from which the
permalink, the callbacks and the page's JavaScript are made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from gradviz.dashboard import ids


@dataclass(frozen=True)
class ViewField:
    """`control`: the id of the component that holds its value; without one, the page has its own control.

    `holds`: the kind of that value: the field's, its text, or a typed number, reported after a pause; without one, the
    field is None, or stays as it is. `auto` stands for None.
    """

    key: str
    control: str | None = None
    holds: Literal["value", "text", "typed number", "typed number or none", "text or auto"] = "value"


FIELDS: Mapping[str, ViewField] = {
    "view": ViewField("view", ids.VIEW),
    "run": ViewField("variant"),
    "compared": ViewField("compared"),
    "epoch": ViewField("epoch"),
    "x_a": ViewField("x1"),
    "y_a": ViewField("y1"),
    "x_b": ViewField("x2"),
    "y_b": ViewField("y2"),
    "minibatch": ViewField("minibatch"),
    "minibatch_size": ViewField("size", ids.MINIBATCH_SIZE, "text"),
    "rows": ViewField("rows"),
    "part": ViewField("part", ids.PART),
    "mode": ViewField("mode", ids.MODE),
    "masks": ViewField("masks", ids.MASKS),
    "seed": ViewField("seed", ids.SEED, "typed number"),
    "half_width": ViewField("width", ids.HALF_WIDTH, "typed number or none"),
    "points": ViewField("points", ids.POINTS, "text or auto"),
    "under": ViewField("under", ids.UNDER),
    "camera": ViewField("camera"),
    "length": ViewField("length", ids.LENGTH),
    "range": ViewField("range", ids.RANGE),
    "direction": ViewField("direction", ids.DIRECTION),
    "scales": ViewField("scales", ids.SCALES),
    "minus": ViewField("minus", ids.MINUS),
    "show": ViewField("show", ids.SHOW),
    "start": ViewField("start"),
    "rate": ViewField("rate"),
    "steps": ViewField("steps"),
    "curves": ViewField("curves", ids.CURVES),
    "metric": ViewField("metric"),
    "seeds": ViewField("seeds"),
    "panel": ViewField("panel"),
    "present": ViewField("present"),
    "conditions": ViewField("conditions"),
    "replicas": ViewField("replicas"),
    "optimizer": ViewField("optimizer"),
    "rate_factor": ViewField("factor"),
    "x_fan": ViewField("fanx"),
    "y_fan": ViewField("fany"),
    "lesson": ViewField("lesson"),
    "step": ViewField("step"),
}
"""Keyed by their names in `permalink.View`, in the order of the address."""

CONTROLS: tuple[str, ...] = tuple(field.control for field in FIELDS.values() if field.control)
"""The components that hold fields, in the order of the callbacks' values."""


def for_browser(defaults: Mapping[str, object]) -> list[dict[str, object]]:
    """The table for the page's JavaScript, with the default of each field."""
    return [{"name": name, "default": defaults[name]} | asdict(field) for name, field in FIELDS.items()]
