"""By which parameters the gradients of rows are told: the two of a picture, a layer, or all."""

from typing import Any

from pydantic import Field, model_validator

from gradviz.experiment.run import Run
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.directions.axis import axis_text, is_direction
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.request import Atom
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.problem_products import ITSELF

NO_DIRECTIONS = "Along directions there is no pair of parameters and no layer: choose the whole model."


class RowsPart(Atom):
    """The part of the parameters."""

    part: str = Field(
        default="pair",
        min_length=1,
        max_length=200,
        description="`pair`, the two parameters; `layer`, that of `x`; `model`; or a layer, module or tensor",
    )


class PartOfRun(RowsPart):
    """The part, with the parameters of a picture where it needs them: other parts are asked for without."""

    x: str = Field(default="", max_length=350, description="a parameter, of the pair, or whose layer is the part")
    y: str = Field(default="", max_length=350, description="the pair's other one")

    @model_validator(mode="before")
    @classmethod
    def _only_what_matters(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        wanted = {"pair": ("x", "y"), "layer": ("x",)}.get(str(values.get("part", "pair")), ())
        texts = {name: str(values.get(name, "")) for name in wanted}
        for name, text in texts.items():
            if not text:
                raise ValueError(f"`{name}` must name a parameter for this `part`: add it, or choose the whole model.")
            texts[name] = axis_text(text)
        if wanted == ("x", "y") and texts["x"] == texts["y"]:
            raise ValueError(f"`x` and `y` are both {texts['x']}: a pair is of two different parameters.")
        return {name: value for name, value in values.items() if name not in ("x", "y")} | texts


def is_along_directions(asked: PartOfRun) -> bool:
    """Whether it asks for the pair or the layer of axes that are no parameters."""
    return asked.part in ("pair", "layer") and (is_direction(asked.x) or is_direction(asked.y))


def part_of(run: Run | StudyRun, asked: PartOfRun) -> str | tuple[str, str]:
    """The two parameters, or the name of the part, where `layer` is by that of the layer of `x`."""
    if asked.part == "pair":
        return asked.x, asked.y
    if asked.part != "layer":
        return asked.part
    if isinstance(run, StudyRun):
        return Scalar.parse(asked.x).name.rpartition(".")[0] or ITSELF
    layer = ParameterRef.parse(asked.x).layer
    return "output" if layer is None else f"hidden.{layer}"
