"""What a request of the HTTP API says, checked at the door: unknown or repeated keys and large bodies are refused.

The models here check the requests and describe them in the OpenAPI document. A query string and a body of JSON say the
same: numbers are told by the model's own types, nothing is turned from one type into another.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from gradviz.compute.agreement import AgreementRequest
from gradviz.dashboard.permalink import Overlay
from gradviz.drawing.arrows import Direction
from gradviz.drawing.ground import Under
from gradviz.drawing.inks import Scheme
from gradviz.drawing.scale import Length
from gradviz.errors import UserError, one_line
from gradviz.experiment.names import OfRun, RunName, renamed
from gradviz.experiment.outside import UnusableFile, parse_json
from gradviz.landscape.request import MAX_MINIBATCH_SIZE, LandscapeRequest, Masks, Mode

MAX_BODY_BYTES = 64 * 1024
MAX_FRAMES = 500

Over = Literal["epochs", "minibatches"]
_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")

_BY_ACCEPT = "`auto`: by the Accept header, JSON if there is none"
_INTEGER = re.compile(r"-?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class _Query(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Nothing(_Query):
    """A request without arguments."""


class LandscapeQuery(LandscapeRequest):
    """One landscape, and in which form it is wanted."""

    format: Literal["auto", "json", "csv", "npz", "binary"] = Field(default="auto", description=_BY_ACCEPT)
    expected_key: str = Field(
        default="",
        pattern=r"^([0-9a-f]{40})?$",
        description="the key that an earlier answer gave (Content-Location): the answer may then be kept for ever, "
        "and 409 tells that the checkpoint has changed",
    )

    @property
    def request(self) -> LandscapeRequest:
        return _request_of(self)


class FramesQuery(LandscapeRequest):
    """Many fields of one selection: over all epochs of a minibatch or all minibatches of an epoch.

    `epoch` or `minibatch` is the frame wanted first; `only` limits the others.
    """

    over: Over = "epochs"
    only: str = Field(
        default="all",
        pattern=rf"^(all|[0-9]{{1,6}}(,[0-9]{{1,6}}){{0,{MAX_FRAMES - 1}}})$",
        description=f"`all`, or up to {MAX_FRAMES} epochs or minibatches with commas between",
    )

    @property
    def request(self) -> LandscapeRequest:
        return _request_of(self)

    def at(self, index: int) -> LandscapeRequest:
        """The request of one frame."""
        return self.request.model_copy(update={"epoch" if self.over == "epochs" else "minibatch": index})

    @property
    def first(self) -> int:
        return self.epoch if self.over == "epochs" else self.minibatch

    @property
    def wanted(self) -> frozenset[int] | None:
        """What `only` names; None for all."""
        return None if self.only == "all" else frozenset(map(int, self.only.split(",")))


class RunQuery(OfRun, _Query):
    """One run."""


class ActivityQuery(RunQuery):
    """A checkpoint."""

    epoch: int = Field(ge=0, lt=10_000)


class LayerActivityQuery(ActivityQuery):
    """A hidden layer of a checkpoint, counted from 0."""

    layer: int = Field(ge=0, lt=1000)


class AgreementQuery(AgreementRequest):
    """Agreement of all minibatches at a checkpoint."""


class EvidenceQuery(_Query):
    """One claim of the text."""

    claim: str = Field(pattern=r"^[a-z-]{1,64}$", description="its key, as in the list of claims")


class CourseQuery(LandscapeRequest):
    """One picture, as a point of the curves over the epochs."""

    @property
    def request(self) -> LandscapeRequest:
        return _request_of(self)


class UnitsQuery(LayerActivityQuery):
    """A hidden layer of a checkpoint, as the minibatches of a size see it."""

    minibatch_size: int = Field(default=64, ge=1, le=MAX_MINIBATCH_SIZE)
    mode: Mode = "eval"


class CosinesQuery(ActivityQuery):
    """All minibatches at a checkpoint, for one part of the model."""

    part: str = Field(
        min_length=1,
        max_length=80,
        description="`model`, a layer or a tensor",
        examples=["model", "hidden.1", "hidden.1.linear.bias"],
    )
    minibatch_size: int = Field(default=64, ge=1, le=MAX_MINIBATCH_SIZE)
    mode: Mode = "eval"
    masks: Masks = Field(default="fresh", description="in train mode, with dropout")
    seed: int = Field(default=0, ge=0, lt=2**32)


class MinibatchQuery(RunQuery):
    """A minibatch, as the landscapes number them."""

    minibatch: int = Field(ge=0, lt=1_000_000)
    minibatch_size: int = Field(default=64, ge=1, le=MAX_MINIBATCH_SIZE)
    format: Literal["auto", "json", "npz"] = Field(default="auto", description=_BY_ACCEPT)


class TrainingAction(_Query):
    """What the background trainer is told."""

    action: Literal["start", "stop", "start_again", "delete"]
    run: RunName | None = Field(default=None, description="the run that `delete` deletes")
    confirm: bool = Field(
        default=False, description="needed by `start_again`, which deletes all checkpoints, and by `delete`"
    )


class Panel(LandscapeRequest):
    """One picture of a view."""


class RecipeQuery(_Query):
    """The pictures of a view, side by side."""

    panels: list[Panel] = Field(min_length=1, max_length=3)

    @property
    def requests(self) -> list[LandscapeRequest]:
        return [_request_of(panel) for panel in self.panels]


class ExportQuery(RecipeQuery):
    """A view as one file: `html`, a page that stands alone, or `gif`, an animated picture.

    Its pictures over all epochs, or all minibatches, that each of them has. Those of one view have the same grid.
    """

    kind: Literal["html", "gif"]
    over: Over = "epochs"
    every: int = Field(default=1, ge=1, le=1000, description="every k-th epoch or minibatch, counted from the first")
    scheme: Scheme = "light"
    under: Under = "heat"
    length: Length = "compressed"
    direction: Direction = "ascent"
    range: Literal["epochs", "frame"] = Field(default="epochs", description="colours tell sizes over all, or in each")
    show: list[Overlay] = Field(
        default=[], max_length=2, description="drawn over the arrows: the training's path, the minibatches' spread"
    )
    minus: int | None = Field(default=None, ge=0, le=2, description="the panel that is subtracted from all others")
    share_scale: bool = Field(default=False, description="one scale for all pictures, as of regularizers compared")
    per_second: int = Field(default=5, ge=1, le=30, description="speed of a gif")
    progress: bool = Field(
        default=False,
        description="answer with a stream that tells the progress and then brings the file; closing it ends the work",
    )


def from_arguments(model: type[_Model], arguments: MultiDict[str, str], **path: str) -> _Model:
    """One request from a query string and the parts of a path."""
    repeated = [key for key in arguments if len(arguments.getlist(key)) > 1]
    if repeated:
        raise UserError(f"`{repeated[0]}` is given more than once: give it once.")
    allowed = frozenset(model.model_fields) - path.keys()
    given = _under_new_key(arguments.to_dict(), allowed)
    _refuse_unknown(given, allowed)
    texts = {**given, **path}
    return _checked(model, {name: _typed(text, model.model_fields[name].annotation) for name, text in texts.items()})


def from_body(model: type[_Model], body: bytes) -> _Model:
    """One request from a body of JSON."""
    values = _under_new_key(json_object(body), model.model_fields)
    _refuse_unknown(values, frozenset(model.model_fields))
    return _checked(model, {name: _whole(value, model.model_fields[name].annotation) for name, value in values.items()})


def _under_new_key(values: Mapping[str, _Value], allowed: Collection[str]) -> dict[str, _Value]:
    """A run may be named by the key of version 0.1; UserError if by both keys, and not the same one."""
    try:
        return renamed(values) if "run" in allowed else dict(values)
    except ValueError as error:
        raise UserError(str(error)) from None


def _request_of(query: LandscapeRequest) -> LandscapeRequest:
    return LandscapeRequest(**{name: getattr(query, name) for name in LandscapeRequest.model_fields})


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


def _refuse_unknown(values: Mapping[str, object], allowed: frozenset[str]) -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        known = f"known here are {', '.join(sorted(allowed))}" if allowed else "nothing can be given here"
        raise UserError(f"`{unknown[0][:40]}` is not known: {known}.")
