"""The name of a run, and values that name one: by `run`, or by `variant`, as version 0.1 called the same parameter."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, computed_field, model_validator

RunName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
"""What a run is called, and its directory: of letters, digits, `_` and `-`."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OLD_KEY = "variant"
_Value = TypeVar("_Value")


def is_run_name(text: str) -> bool:
    """Whether a run may be called so: only what may is ever turned into a path."""
    return _NAME.fullmatch(text) is not None


class OfRun(BaseModel):
    """A value that names a run: read under either key, and written under both, so that readers of either go on."""

    run: RunName

    @model_validator(mode="before")
    @classmethod
    def _under_either_key(cls, values: Any) -> Any:
        return renamed(values) if isinstance(values, Mapping) else values

    @computed_field(description="the same as `run`, under the key of version 0.1")
    @property
    def variant(self) -> str:
        return self.run

    def under_old_key(self) -> dict[str, Any]:
        """Its values as version 0.1 wrote them: what is kept under a digest of those stays valid."""
        return self.model_dump(exclude={"run"})


def renamed(values: Mapping[str, _Value]) -> dict[str, _Value]:
    """`values` with `run` in place of `variant`; ValueError where they have both and these differ."""
    if _OLD_KEY not in values:
        return dict(values)
    others = {key: value for key, value in values.items() if key != _OLD_KEY}
    if others.setdefault("run", values[_OLD_KEY]) != values[_OLD_KEY]:
        raise ValueError("`run` and `variant` are two keys of one parameter, and they differ: give `run` alone.")
    return others
