"""Models of the HTTP API's requests, strictly checked: unknown or repeated keys and large bodies are errors.

The models check the requests and describe them in the OpenAPI document. A query string and a JSON body mean the same:
the model's types tell which texts are numbers, and no value is converted between types.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from flask import request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from gradviz.compute.checkpoint import MINIBATCHES_TOGETHER
from gradviz.compute.plane import Parts
from gradviz.compute.probe_settings import DEFAULT_START
from gradviz.dashboard.permalink import MOST_COMPARED, CameraText, Overlay, StartText
from gradviz.drawing.camera import FIRST
from gradviz.drawing.choices import Colours, Direction, Length, Scheme, Under
from gradviz.errors import UserError, one_line
from gradviz.experiment.names import RunName, renamed
from gradviz.experiment.outside import UnusableFile, parse_json
from gradviz.landscape.probe import DEFAULT_STEPS, MOST_STEPS
from gradviz.landscape.request import MAX_POINTS, Atom, LandscapeRequest

MAX_BODY_BYTES = 64 * 1024
MAX_FRAMES = 500

Over = Literal["epochs", "minibatches"]
ONE = {"epochs": "epoch", "minibatches": "minibatch"}
_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")

_BY_ACCEPT = "`auto`: by the Accept header, JSON without one"
_INTEGER = re.compile(r"-?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class ByKey(Atom):
    """The format of an answer, and the key of the content it must have."""

    format: Literal["auto", "json", "csv", "npz", "binary"] = Field(default="auto", description=_BY_ACCEPT)
    expected_key: str = Field(
        default="",
        pattern=r"^([0-9a-f]{40})?$",
        description="the key from an earlier answer (Content-Location): you may keep this answer for ever; "
        "409 means that the checkpoint has changed",
    )


class OverFrames(Atom):
    """All epochs of a minibatch, or all minibatches of an epoch."""

    over: Over = "epochs"

    def at(self, request: LandscapeRequest, index: int) -> LandscapeRequest:
        """The request of one frame."""
        return request.model_copy(update={ONE[self.over]: index})

    def check(self, request: LandscapeRequest) -> None:
        """`UserError` for chosen rows over minibatches."""
        if self.over == "minibatches" and request.rows is not None:
            raise UserError(
                "Chosen `rows` are one minibatch: ask for them over epochs, or for minibatches without `rows`."
            )

    def index_of(self, request: LandscapeRequest) -> int:
        return getattr(request, ONE[self.over])

    @property
    def together(self) -> int:
        """How many consecutive frames share work."""
        return MINIBATCHES_TOGETHER if self.over == "minibatches" else 1


class Frames(OverFrames):
    """Many fields of one selection, the request's own first; `only` limits the others."""

    only: str = Field(
        default="all",
        pattern=rf"^(all|[0-9]{{1,6}}(,[0-9]{{1,6}}){{0,{MAX_FRAMES - 1}}})$",
        description=f"`all`, or up to {MAX_FRAMES} epochs or minibatches, separated by commas",
    )

    coarse: int = Field(
        default=0,
        ge=0,
        le=MAX_POINTS,
        description="of planes along directions: points a side of a coarser grid that lies in the request's, such as 5 "
        "or 11 in 21, whose points are answered sooner; 0 for the whole grid",
    )

    @property
    def wanted(self) -> frozenset[int] | None:
        """The indices in `only`; None for all."""
        return None if self.only == "all" else frozenset(map(int, self.only.split(",")))


class PlaneParts(Atom):
    """What to tell of a plane."""

    parts: Parts = Field(default="all", description="`axes`: neither checkpoints nor minibatches, which take longer")


class Claim(Atom):
    """A claim of the text."""

    claim: str = Field(
        pattern=r"^([A-Za-z0-9_-]{1,64}\.)?[a-z-]{1,64}$", description="its key, as in the list of claims"
    )


class MinibatchForm(Atom):
    """The format of a minibatch's rows."""

    format: Literal["auto", "json", "npz"] = Field(default="auto", description=_BY_ACCEPT)


class PathsKey(Atom):
    """Paths by the content that determines them."""

    key: str = Field(pattern=r"^[0-9a-f]{64}$", description="as the answer to their request tells it")


class TrainingAction(Atom):
    """A command to the background trainer."""

    action: Literal["start", "stop", "start_again", "delete"]
    run: RunName | None = Field(default=None, description="the run that `delete` deletes")
    confirm: bool = Field(
        default=False, description="required by `start_again`, which deletes all checkpoints, and by `delete`"
    )


class RecipeQuery(Atom):
    """The pictures of a view, side by side."""

    panels: list[LandscapeRequest] = Field(min_length=1, max_length=MOST_COMPARED)


class Ground(Atom):
    """What becomes of the loss in a picture."""

    under: Under = "heat"
    camera: CameraText = Field(
        default=f"{FIRST}",
        max_length=40,
        description="from where a surface is seen: degrees around it, degrees above it, and how far away (of an "
        "interactive page)",
    )


class Drawn(Ground):
    """How to draw fields."""

    scheme: Scheme = "light"
    colours: Colours = Field(
        default="viridis",
        description="of pictures and films: `okabe-ito` for colour-blind readers, `grey` without colour",
    )
    length: Length = "compressed"
    direction: Direction = "ascent"
    range: Literal["epochs", "frame"] = Field(
        default="epochs", description="colours compare sizes over all, or in each"
    )
    show: list[Overlay] = Field(
        default=[],
        max_length=4,
        description="drawn over the arrows: the training's path, the minibatches' spread, the sampling ellipse, the "
        "paths of the probe",
    )
    start: StartText = Field(
        default=DEFAULT_START, max_length=60, description="where the probe begins, in half widths from the checkpoint"
    )
    rate: float | None = Field(default=None, gt=0, le=1e12, description="of the probe; without one, each picture's own")
    steps: int = Field(default=DEFAULT_STEPS, ge=1, le=MOST_STEPS, description="of the probe")
    share_scale: bool = Field(default=False, description="one scale for all pictures, as in Compare")


def from_arguments(models: Sequence[type[BaseModel]], arguments: MultiDict[str, str], **path: str) -> tuple[Any, ...]:
    """A value of each model, from a query string and the parts of a path; UserError for a key that no model takes."""
    repeated = [key for key in arguments if len(arguments.getlist(key)) > 1]
    if repeated:
        raise UserError(f"`{repeated[0]}` is given more than once: give it once.")
    kinds = _kinds(models)
    given = _under_new_key(arguments.to_dict(), kinds)
    _refuse_unknown(given, set(kinds) - set(path))
    return _values(models, {name: _typed(text, kinds[name]) for name, text in {**given, **path}.items()})


def from_body(models: Sequence[type[BaseModel]], body: bytes) -> tuple[Any, ...]:
    """A value of each model, from a JSON body; UserError for a member that no model takes."""
    return from_object(models, json_object(body))


def from_object(
    models: Sequence[type[BaseModel]], told: Mapping[str, object], who: str = "this address"
) -> tuple[Any, ...]:
    """A value of each model, from an object of JSON; UserError for a member that no model takes. `who` takes them."""
    kinds = _kinds(models)
    values = _under_new_key(told, kinds)
    _refuse_unknown(values, set(kinds), who)
    return _values(models, {name: _whole(value, kinds[name]) for name, value in values.items()})


def _kinds(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    return {name: field.annotation for model in models for name, field in model.model_fields.items()}


def _values(models: Sequence[type[BaseModel]], values: Mapping[str, object]) -> tuple[Any, ...]:
    return tuple(
        _checked(model, {name: values[name] for name in model.model_fields if name in values}) for model in models
    )


def _under_new_key(values: Mapping[str, _Value], allowed: Collection[str]) -> dict[str, _Value]:
    """Accepts the key of version 0.1 for a run; UserError if both keys name different runs."""
    try:
        return renamed(values) if "run" in allowed else dict(values)
    except ValueError as error:
        raise UserError(str(error)) from None


def _checked(model: type[_Model], values: dict[str, object]) -> _Model:
    try:
        return model.model_validate(values, strict=True)
    except ValidationError as error:
        raise UserError(one_line(error)) from None


def _typed(text: str, kind: object) -> object:
    kind = _given(kind)
    if kind is int and _INTEGER.fullmatch(text):
        return int(text)
    if kind is float and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _given(kind: Any) -> Any:
    """The kind of a value that is there, where it may also be None."""
    kinds = [each for each in get_args(kind) if each is not type(None)]
    return kinds[0] if get_origin(kind) in (Union, UnionType) and len(kinds) == 1 else kind


def _whole(value: object, kind: Any) -> object:
    """Accepts 3.0 as a whole number, as JSON does."""
    kind = _given(kind)
    if isinstance(value, list) and get_origin(kind) is list:
        return [_whole(each, get_args(kind)[0]) for each in value]
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields
        return {name: _whole(of, fields[name].annotation if name in fields else None) for name, of in value.items()}
    return int(value) if kind is int and isinstance(value, float) and value.is_integer() else value


def json_body() -> bytes:
    """The body of this request if declared as JSON, else 415. Forms of other sites cannot declare that without a
    preflight request."""
    if not request.is_json:
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json.")
    body = request.get_data()  # at most one byte more than the limit: the server's own limit
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def json_object(body: bytes) -> dict[str, object]:
    """A JSON body, which must be one object; UserError for anything else, or for excessive nesting."""
    try:
        values = parse_json(body, "The body")
    except UnusableFile as error:
        example = '{"run": "none", "epoch": 0}'
        raise UserError(
            f"The body is not readable JSON ({error.reason}): send one object, such as {example}."
        ) from None
    if not isinstance(values, dict):
        raise UserError(f"The body must be one JSON object, got {type(values).__name__}.")
    return values


def _refuse_unknown(values: Mapping[str, object], allowed: set[str], who: str = "this address") -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        known = f"{who} takes {', '.join(sorted(allowed))}" if allowed else f"{who} takes no arguments"
        raise UserError(f"`{unknown[0][:40]}` is unknown: {known}.")
