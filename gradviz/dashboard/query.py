"""What a request of the HTTP API says, checked at the door: unknown or repeated keys and large bodies are refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from werkzeug.datastructures import MultiDict

from gradviz.errors import UserError
from gradviz.landscape.request import LandscapeRequest

MAX_BODY_BYTES = 64 * 1024
MAX_FRAMES = 500

Over = Literal["epochs", "minibatches"]
_LANDSCAPE_KEYS = frozenset(LandscapeRequest.model_fields)


@dataclass(frozen=True)
class FramesQuery:
    """Many fields of one selection: over all epochs of a minibatch or all minibatches of an epoch.

    `request` holds the selection and, as its epoch or minibatch, the frame wanted `first`; `only` limits the others.
    """

    request: LandscapeRequest
    over: Over
    only: tuple[int, ...] | None

    def at(self, index: int) -> LandscapeRequest:
        """The request of one frame."""
        return self.request.model_copy(update={"epoch" if self.over == "epochs" else "minibatch": index})

    @property
    def first(self) -> int:
        return self.request.epoch if self.over == "epochs" else self.request.minibatch


def landscape_request(arguments: MultiDict[str, str]) -> LandscapeRequest:
    """One request from a query string."""
    return LandscapeRequest.of(**_once_each(arguments, _LANDSCAPE_KEYS))


def landscape_request_of_body(body: bytes) -> LandscapeRequest:
    """One request from a JSON body."""
    values = json_object(body)
    _refuse_unknown(values, _LANDSCAPE_KEYS)
    return LandscapeRequest.of(**values)


def frames_query(arguments: MultiDict[str, str]) -> FramesQuery:
    values = _once_each(arguments, _LANDSCAPE_KEYS | {"over", "only"})
    over = values.pop("over", "epochs")
    if over not in ("epochs", "minibatches"):
        raise UserError(f"`over` must be epochs or minibatches, got {over[:40]!r}.")
    only = values.pop("only", None)
    return FramesQuery(LandscapeRequest.of(**values), over, None if only is None else _whole_numbers("only", only))


def json_object(body: bytes) -> dict[str, object]:
    try:
        values = json.loads(body, parse_constant=_no_constant)
    except ValueError:
        raise UserError('The body is not JSON: send one object, such as {"variant": "none", "epoch": 0}.') from None
    if not isinstance(values, dict):
        raise UserError(f"The body must be one JSON object, got {type(values).__name__}.")
    return values


def no_arguments(arguments: Mapping[str, str]) -> None:
    _refuse_unknown(arguments, frozenset())


def _once_each(arguments: MultiDict[str, str], allowed: frozenset[str]) -> dict[str, str]:
    _refuse_unknown(arguments, allowed)
    repeated = [key for key in arguments if len(arguments.getlist(key)) > 1]
    if repeated:
        raise UserError(f"`{repeated[0]}` is given more than once: give it once.")
    return arguments.to_dict()


def _refuse_unknown(values: Mapping[str, object], allowed: frozenset[str]) -> None:
    unknown = sorted(set(values) - allowed)
    if unknown:
        known = f"known here are {', '.join(sorted(allowed))}" if allowed else "nothing can be given here"
        raise UserError(f"`{unknown[0][:40]}` is not known: {known}.")


def _whole_numbers(name: str, text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and len(part) <= 6 for part in parts) or len(parts) > MAX_FRAMES:
        raise UserError(f"`{name}` must be up to {MAX_FRAMES} whole numbers with commas between, got {text[:40]!r}.")
    return tuple(int(part) for part in parts)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
