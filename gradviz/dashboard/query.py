"""What a request of the HTTP API says, checked at the door: unknown or repeated keys and large bodies are refused.

The models here check the requests and describe them in the OpenAPI document. A query string and a body of JSON say the
same: numbers are told by the model's own types, nothing is turned from one type into another.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

from flask import request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from gradviz.dashboard.permalink import Overlay
from gradviz.drawing.arrows import Direction
from gradviz.drawing.ground import Under
from gradviz.drawing.inks import Scheme
from gradviz.drawing.scale import Length
from gradviz.errors import UserError, one_line
from gradviz.experiment.names import RunName, renamed
from gradviz.experiment.outside import UnusableFile, parse_json
from gradviz.landscape.request import Atom, LandscapeRequest

MAX_BODY_BYTES = 64 * 1024
MAX_FRAMES = 500

Over = Literal["epochs", "minibatches"]
ONE = {"epochs": "epoch", "minibatches": "minibatch"}
_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")

_BY_ACCEPT = "`auto`: by the Accept header, JSON if there is none"
_INTEGER = re.compile(r"-?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class ByKey(Atom):
    """In which form an answer is wanted, and whether it must still be what it was."""

    format: Literal["auto", "json", "csv", "npz", "binary"] = Field(default="auto", description=_BY_ACCEPT)
    expected_key: str = Field(
        default="",
        pattern=r"^([0-9a-f]{40})?$",
        description="the key that an earlier answer gave (Content-Location): the answer may then be kept for ever, "
        "and 409 tells that the checkpoint has changed",
    )


class OverFrames(Atom):
    """All epochs of a minibatch, or all minibatches of an epoch."""

    over: Over = "epochs"

    def at(self, request: LandscapeRequest, index: int) -> LandscapeRequest:
        """The request of one frame."""
        return request.model_copy(update={ONE[self.over]: index})

    def index_of(self, request: LandscapeRequest) -> int:
        return getattr(request, ONE[self.over])


class Frames(OverFrames):
    """Many fields of one selection: the request's own first, `only` limits the others."""

    only: str = Field(
        default="all",
        pattern=rf"^(all|[0-9]{{1,6}}(,[0-9]{{1,6}}){{0,{MAX_FRAMES - 1}}})$",
        description=f"`all`, or up to {MAX_FRAMES} epochs or minibatches with commas between",
    )

    @property
    def wanted(self) -> frozenset[int] | None:
        """What `only` names; None for all."""
        return None if self.only == "all" else frozenset(map(int, self.only.split(",")))


class Layer(Atom):
    """A hidden layer."""

    layer: int = Field(ge=0, lt=1000, description="counted from 0")


class Claim(Atom):
    """A claim of the text."""

    claim: str = Field(pattern=r"^[a-z-]{1,64}$", description="its key, as in the list of claims")


class MinibatchForm(Atom):
    """In which form the rows of a minibatch are wanted."""

    format: Literal["auto", "json", "npz"] = Field(default="auto", description=_BY_ACCEPT)


class TrainingAction(Atom):
    """What the background trainer is told."""

    action: Literal["start", "stop", "start_again", "delete"]
    run: RunName | None = Field(default=None, description="the run that `delete` deletes")
    confirm: bool = Field(
        default=False, description="needed by `start_again`, which deletes all checkpoints, and by `delete`"
    )


class RecipeQuery(Atom):
    """The pictures of a view, side by side."""

    panels: list[LandscapeRequest] = Field(min_length=1, max_length=3)


class Drawn(Atom):
    """How fields are drawn."""

    scheme: Scheme = "light"
    under: Under = "heat"
    length: Length = "compressed"
    direction: Direction = "ascent"
    range: Literal["epochs", "frame"] = Field(default="epochs", description="colours tell sizes over all, or in each")
    show: list[Overlay] = Field(
        default=[], max_length=2, description="drawn over the arrows: the training's path, the minibatches' spread"
    )
    share_scale: bool = Field(default=False, description="one scale for all pictures, as of regularizers compared")


class ExportQuery(RecipeQuery, OverFrames, Drawn):
    """A view as one file: `html`, a page that stands alone, or `gif`, an animated picture.

    Its pictures over all epochs, or all minibatches, that each of them has. Those of one view have the same grid.
    """

    kind: Literal["html", "gif"]
    every: int = Field(default=1, ge=1, le=1000, description="every k-th epoch or minibatch, counted from the first")
    minus: int | None = Field(default=None, ge=0, le=2, description="the panel that is subtracted from all others")
    per_second: int = Field(default=5, ge=1, le=30, description="speed of a gif")
    progress: bool = Field(
        default=False,
        description="answer with a stream that tells the progress and then brings the file; closing it ends the work",
    )


def from_arguments(models: Sequence[type[BaseModel]], arguments: MultiDict[str, str], **path: str) -> tuple[Any, ...]:
    """A value of each model, from a query string and the parts of a path; together they take every key."""
    repeated = [key for key in arguments if len(arguments.getlist(key)) > 1]
    if repeated:
        raise UserError(f"`{repeated[0]}` is given more than once: give it once.")
    kinds = _kinds(models)
    given = _under_new_key(arguments.to_dict(), kinds)
    _refuse_unknown(given, set(kinds) - set(path))
    return _values(models, {name: _typed(text, kinds[name]) for name, text in {**given, **path}.items()})


def from_body(models: Sequence[type[BaseModel]], body: bytes) -> tuple[Any, ...]:
    """A value of each model, from a body of JSON; together they take every member."""
    kinds = _kinds(models)
    values = _under_new_key(json_object(body), kinds)
    _refuse_unknown(values, set(kinds))
    return _values(models, {name: _whole(value, kinds[name]) for name, value in values.items()})


def _kinds(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    return {name: field.annotation for model in models for name, field in model.model_fields.items()}


def _values(models: Sequence[type[BaseModel]], values: Mapping[str, object]) -> tuple[Any, ...]:
    return tuple(
        _checked(model, {name: values[name] for name in model.model_fields if name in values}) for model in models
    )


def _under_new_key(values: Mapping[str, _Value], allowed: Collection[str]) -> dict[str, _Value]:
    """A run may be named by the key of version 0.1; UserError if by both keys, and not the same one."""
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
    if kind is int and _INTEGER.fullmatch(text):
        return int(text)
    if kind is float and _NUMBER.fullmatch(text):
        return float(text)
    return text


def _whole(value: object, kind: Any) -> object:
    """In JSON 3.0 is a whole number too."""
    if isinstance(value, list) and get_origin(kind) is list:
        return [_whole(each, get_args(kind)[0]) for each in value]
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields
        return {name: _whole(of, fields[name].annotation if name in fields else None) for name, of in value.items()}
    return int(value) if kind is int and isinstance(value, float) and value.is_integer() else value


def json_body() -> bytes:
    """The body of this request, if it is declared as JSON; 415 otherwise. A form of another site cannot send it
    without asking first."""
    if not request.is_json:
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json.")
    body = request.get_data()  # one byte more than the limit at most: the server's own limit is set to that
    if len(body) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return body


def json_object(body: bytes) -> dict[str, object]:
    """A body of JSON, which must be one object; UserError for what is not, or is nested without end."""
    try:
        values = parse_json(body, "The body")
    except UnusableFile as error:
        example = '{"run": "none", "epoch": 0}'
        raise UserError(
            f"The body is not JSON that can be read ({error.reason}): send one object, such as {example}."
        ) from None
    if not isinstance(values, dict):
        raise UserError(f"The body must be one JSON object, got {type(values).__name__}.")
    return values


def _refuse_unknown(values: Mapping[str, object], allowed: set[str]) -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        known = f"known here are {', '.join(sorted(allowed))}" if allowed else "nothing can be given here"
        raise UserError(f"`{unknown[0][:40]}` is not known: {known}.")
