"""Reads values of several kinds, each with its own settings, from JSON or from a text.

`kind` is the name in JSON; a text is the kind, or the kind with its first setting in brackets, such as `dropout(0.5)`.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from gradviz.errors import one_line, shown

_Tagged = TypeVar("_Tagged", bound=BaseModel)
_TEXT = re.compile(r"([A-Za-z0-9_-]{1,64})(?:\(([A-Za-z0-9.+-]{0,64})\))?")


def kind_of(model: type[BaseModel]) -> str:
    """The name of a kind: the default of its field `kind`."""
    return model.model_fields["kind"].default


def tag_of(value: BaseModel) -> str:
    """The value as a text, with its first setting if any."""
    setting = _setting_of(type(value))
    kind = kind_of(type(value))
    return kind if setting is None else f"{kind}({getattr(value, setting)})"


def parsed(
    what: str,
    value: object,
    base: type[_Tagged],
    kinds: Mapping[str, type[_Tagged]],
    names: Mapping[str, str] | None = None,
) -> _Tagged:
    """The value that `value` is or describes; ValueError, whose sentence names `what`, for anything else.

    `names`: other names of kinds, allowed in texts.
    """
    if isinstance(value, base):
        return value
    text, settings = value, {}
    if isinstance(value, Mapping):
        settings = {str(key): each for key, each in value.items() if key != "kind"}
        text = value.get("kind")
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    model = None if match is None else kinds.get((names or {}).get(match[1], match[1]))
    if match is None or model is None:
        raise ValueError(f"`{what}` must be one of {_known(kinds)}, got {shown(repr(value))}.")
    if match[2] is not None:
        setting = _setting_of(model)
        if setting is None or settings:
            raise ValueError(f"`{what}` {match[1]} has no setting in brackets, got {shown(repr(text))}.")
        settings = {setting: match[2]}
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise ValueError(f"`{what}` {kind_of(model)}: {one_line(error)}") from None


def _setting_of(model: type[BaseModel]) -> str | None:
    """Its first field that the base of all kinds lacks."""
    shared = model.__bases__[0].model_fields  # pyright: ignore[reportAttributeAccessIssue]  (a model too)
    return next((name for name in model.model_fields if name not in shared), None)


def _known(kinds: Mapping[str, type[BaseModel]]) -> str:
    settings = {kind: _setting_of(model) for kind, model in kinds.items()}
    return ", ".join(kind if setting is None else f"{kind}({setting})" for kind, setting in settings.items())
