"""The name of a run, and values that name one: by `run`, or by `variant`, version 0.1's key of the same parameter."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, computed_field, model_validator

RunName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""The name of a run and of its directory: letters, digits, `_` and `-`."""

MOST_LABEL = 80


def _one_line(label: str) -> str:
    if not label.isprintable():
        raise ValueError("`label` must be one line of printable characters.")
    return label


RunLabel = Annotated[str, Field(max_length=MOST_LABEL), AfterValidator(_one_line)]
"""A name of a run for people; "" for none."""
RunGroup = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
"""The set of runs that a run belongs to, such as several seeds of one configuration; "" for none."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OLD_KEY = "variant"
_Value = TypeVar("_Value")


def is_run_name(text: str) -> bool:
    """Whether this is a valid name of a run; only valid names ever become paths."""
    return _NAME.fullmatch(text) is not None


def wanted_names(begun: Collection[str], asked: Sequence[str], usual: Collection[str]) -> list[str]:
    """The runs of a background training: those `asked` for, and all that have `begun` under a name that is not `usual`.

    If only others have begun, those asked for are not wanted.
    """
    others = [name for name in begun if name not in usual]
    return others if others and len(others) == len(begun) else [*asked, *others]


class OfRun(BaseModel):
    """A value that names a run: read under either key and written under both, so that readers of either still work."""

    run: RunName

    @model_validator(mode="before")
    @classmethod
    def _under_either_key(cls, values: Any) -> Any:
        return renamed(values) if isinstance(values, Mapping) else values

    @computed_field(description="the same as `run`, under the key of version 0.1")
    @property
    def variant(self) -> str:
        return self.run


def renamed(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """`values` with `run` instead of `variant`; ValueError if they have both and these differ."""
    if _OLD_KEY not in values:
        return dict(values)
    others = {key: value for key, value in values.items() if key != _OLD_KEY}
    if others.setdefault("run", values[_OLD_KEY]) != values[_OLD_KEY]:
        raise ValueError("`run` and `variant` are two keys of one parameter, but differ: give only `run`.")
    return others
