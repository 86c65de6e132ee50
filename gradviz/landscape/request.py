"""Requests: a plane of two parameters, and the checkpoint and minibatch at which to draw it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal, Protocol, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gradviz.errors import UserError, one_line
from gradviz.experiment.names import OfRun
from gradviz.landscape.composed import RowNumbers
from gradviz.landscape.directions.axis import axis_text, is_direction
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.scalar import parameter_text

ENGINE_VERSION = 2
"""Part of every key: raise it whenever the same request gives different numbers, so that no cache serves old ones."""

MAX_POINTS = 201
MAX_MINIBATCH_SIZE = 1024

WIDTHS = {"parameters": 0.1, "directions": 1.0}
"""The half width of a plane that sets none: of two parameters, and of a plane with a direction."""

Mode = Literal["eval", "train"]
MODES: tuple[Mode, ...] = get_args(Mode)
Masks = Literal["fresh", "frozen", "averaged"]
MASKS: tuple[Masks, ...] = get_args(Masks)


class Atom(BaseModel):
    """A part of a request, defined once: requests and questions are composed of these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def of(cls, **values: object) -> Self:
        """Like the constructor, but raises `UserError` instead of pydantic's error."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError(one_line(error)) from None


class Checkpoint(OfRun, Atom):
    """A run's parameters after an epoch; epoch 0 is the initialisation."""

    epoch: int = Field(ge=0, lt=10_000)


class Layer(Atom):
    """A hidden layer."""

    layer: int = Field(ge=0, lt=1000, description="counted from 0")


class MinibatchSize(Atom):
    """All minibatches of a size."""

    minibatch_size: int = Field(default=64, ge=1, le=MAX_MINIBATCH_SIZE)


class OneMinibatch(MinibatchSize):
    """One of them, counted from 0."""

    minibatch: int = Field(default=0, ge=0, lt=1_000_000)


class ChosenRows(Atom):
    """Rows of which a minibatch is composed, if any are chosen."""

    rows: RowNumbers | None = Field(
        default=None,
        exclude_if=lambda rows: rows is None,  # so that what has no chosen rows is written, and named, as ever
        description="numbers of training rows: the minibatch that is composed of them, in this order",
    )


class ComposedMinibatch(OneMinibatch, ChosenRows):
    """One of them, or a minibatch of chosen rows, of which `minibatch` is then 0.

    `minibatch_size` stays beside chosen rows: it is that of the run's other minibatches, from which directions are
    made and with which the chosen rows are compared.
    """

    @model_validator(mode="before")
    @classmethod
    def _instead_of_a_number(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("rows") is None:
            return values
        return {**values, "minibatch": 0}

    @property
    def num_rows(self) -> int:
        """As many as are asked for; a study's minibatches have their own numbers."""
        return self.minibatch_size if self.rows is None else len(self.rows)

    @property
    def minibatch_words(self) -> str:
        """Such as `minibatch 3`, or `64 chosen rows`."""
        if self.rows is None:
            return f"minibatch {self.minibatch}"
        return f"{len(self.rows)} chosen row{'s' if len(self.rows) > 1 else ''}"

    @property
    def which_rows(self) -> tuple[object, ...]:
        """What tells this minibatch from others of the run."""
        return (self.minibatch, self.minibatch_size) if self.rows is None else (self.rows,)

    def of_rows(self, rows: Sequence[int]) -> Self:
        """The same of a minibatch that is composed of these rows."""
        return self.model_copy(update={"minibatch": 0, "rows": tuple(rows)})

    def of_minibatch(self, minibatch: int) -> Self:
        """The same of one of the run's own minibatches."""
        return self.model_copy(update={"minibatch": minibatch, "rows": None})


class Evaluation(Atom):
    """`train` mode draws masks and uses the minibatch's batch statistics; `eval` mode does neither."""

    mode: Mode = "eval"


class MaskedEvaluation(Evaluation):
    """How often a model draws masks, and from which seed."""

    masks: Masks = Field(default="fresh", description="in train mode, where masks are drawn")
    seed: int = Field(default=0, ge=0, lt=2**32)


class Plane(Atom):
    """Two axes, and a grid of `points` × `points` coordinates within ± `half_width` of the checkpoint's.

    An axis is one parameter or a direction (gradviz/landscape/directions/axis.py). `half_width` is 0.1 for two
    parameters, and otherwise 1.
    """

    x: str
    y: str
    half_width: float = Field(default=WIDTHS["parameters"], gt=0, le=100)
    points: int = 21

    @field_validator("x", "y")
    @classmethod
    def _known_form(cls, text: str) -> str:
        return axis_text(text)

    @model_validator(mode="before")
    @classmethod
    def _width_of_directions(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "half_width" in values:
            return values
        return {**values, "half_width": width_by_axes(str(values.get("x")), str(values.get("y")))}

    @field_validator("points")
    @classmethod
    def _odd(cls, points: int) -> int:
        check_points(points)
        return points

    @model_validator(mode="after")
    def _two_parameters(self) -> "Plane":
        if self.x == self.y:
            raise ValueError(f"`x` and `y` are both {self.x}: a plane needs two different parameters.")
        return self

    @property
    def has_directions(self) -> bool:
        """Whether an axis is no single parameter."""
        return is_direction(self.x) or is_direction(self.y)

    @property
    def refs(self) -> tuple[ParameterRef, ParameterRef]:
        """Both parameters of the built-in network; `UserError` if they are another's."""
        return ParameterRef.parse(self.x), ParameterRef.parse(self.y)


class LandscapeSpec(Plane, MaskedEvaluation):
    """The plane and how to evaluate the model on it; without files, so that it serves any model.

    `num_masks` is the number of mask sets for `averaged`.
    """

    num_masks: int = Field(default=8, ge=1, le=64)


class OneText(BaseModel):
    """A request that has one text."""

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads untrusted JSON; `UserError` with one sentence if anything in it is unusable."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(one_line(error)) from None

    def canonical(self) -> str:
        """The one JSON text of this request: sorted keys, no spaces, numbers in their shortest form."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))


class LandscapeRequest(LandscapeSpec, Checkpoint, ComposedMinibatch, OneText):
    """A landscape of a stored run."""

    def key(self, digest: str) -> str:
        """The address of the answer: changes with the checkpoint's content, not with settings that cannot matter.

        `digest` is the hex digest of the checkpoint file. Two requests that must give the same field share a key:
        nothing is random in eval mode, only averaged masks have a number, and beside chosen rows the size of other
        minibatches makes nothing but directions.
        """
        relevant = self.model_dump(exclude={"run", "variant", "epoch"})
        if self.rows is not None and not self.has_directions:
            del relevant["minibatch_size"]
        if self.mode == "eval":
            relevant = {name: value for name, value in relevant.items() if name not in ("masks", "num_masks", "seed")}
        elif self.masks != "averaged":
            del relevant["num_masks"]
        content = json.dumps([ENGINE_VERSION, digest, relevant], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(content.encode(), digest_size=20).hexdigest()

    def spec(self) -> LandscapeSpec:
        return LandscapeSpec(**{name: getattr(self, name) for name in LandscapeSpec.model_fields})


class WhyRequest(Checkpoint, ComposedMinibatch, MaskedEvaluation):
    """A parameter of a stored run, whose gradient may be zero: it is moved by up to ten times `half_width`."""

    parameter: str
    half_width: float = Field(default=0.1, gt=0, le=10)

    @field_validator("parameter")
    @classmethod
    def _known_form(cls, text: str) -> str:
        return parameter_text(text)


class TwoParameters(Atom):
    """A plane of two parameters."""

    x: str = Field(description="a parameter, by its name and index")
    y: str = Field(description="another one")

    @field_validator("x", "y")
    @classmethod
    def _known_form(cls, text: str) -> str:
        return parameter_text(text)

    @model_validator(mode="after")
    def _two(self) -> "TwoParameters":
        if self.x == self.y:
            raise ValueError(f"`x` and `y` are both {self.x}: a plane needs two different parameters.")
        return self


def width_by_axes(x: str, y: str) -> float:
    """The half width of a plane that sets none."""
    return WIDTHS["directions" if is_direction(x) or is_direction(y) else "parameters"]


def check_points(points: int) -> None:
    """`UserError` unless a grid may have so many points a side."""
    if points % 2 == 0 or not 3 <= points <= MAX_POINTS:
        raise UserError(
            f"`points` must be odd and in [3, {MAX_POINTS}], got {points}: the centre arrow needs a middle point."
        )


class Grid(Protocol):
    """What steps on a grid depend on."""

    @property
    def half_width(self) -> float: ...

    @property
    def points(self) -> int: ...


def grid_steps(spec: Grid) -> list[float]:
    """The `points` evenly spaced steps α within ± half_width; the middle one is exactly 0."""
    middle = spec.points // 2
    return [spec.half_width * (k - middle) / middle for k in range(spec.points)]


def masks_words(spec: LandscapeSpec) -> str:
    """The masks behind the share of rows predicted below their target, for a model that draws masks."""
    if spec.masks == "averaged":
        return f"(mean over {spec.num_masks} sets of masks)"
    return "(under the masks of the centre)"
