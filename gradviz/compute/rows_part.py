"""By which parameters the gradients of rows are told: the two of a picture, a layer, or all."""

from typing import Protocol

from pydantic import Field

from gradviz.experiment.run import Run
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.directions.axis import is_direction
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


class OfPart(Protocol):
    """What names the part."""

    @property
    def part(self) -> str: ...
    @property
    def x(self) -> str: ...
    @property
    def y(self) -> str: ...


def is_along_directions(asked: OfPart) -> bool:
    """Whether it asks for the pair or the layer of axes that are no parameters."""
    return asked.part in ("pair", "layer") and (is_direction(asked.x) or is_direction(asked.y))


def part_of(run: Run | StudyRun, asked: OfPart) -> str | tuple[str, str]:
    """The two parameters, or the name of the part, where `layer` is by that of the layer of `x`."""
    if asked.part == "pair":
        return asked.x, asked.y
    if asked.part != "layer":
        return asked.part
    if isinstance(run, StudyRun):
        return Scalar.parse(asked.x).name.rpartition(".")[0] or ITSELF
    layer = ParameterRef.parse(asked.x).layer
    return "output" if layer is None else f"hidden.{layer}"
