"""Facts: numbers that a study says of a minibatch, each with its unit and its sentence, which pages print unchanged."""

import math
from dataclasses import dataclass

from gradviz.errors import UserError, shown


@dataclass(frozen=True)
class Fact:
    """A number that a study says of a minibatch at a checkpoint.

    `name`: what curves and tables call it; `value`: a finite number; `unit`: of the value, "" if it has none;
    `sentence`: what it says to people, complete, without a full stop.
    """

    name: str
    value: float
    unit: str = ""
    sentence: str = ""

    def __post_init__(self) -> None:
        for field, most in (("name", 64), ("unit", 16), ("sentence", 300)):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.isprintable() or len(text) > most:
                raise UserError(
                    f"`{field}` of a fact must be one line of at most {most} characters, got {shown(repr(text))}."
                )
        if not self.name:
            raise UserError("`name` of a fact must not be empty: it is what curves and tables call the number.")
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            raise UserError(
                f"`value` of the fact {self.name} must be a finite number, got {shown(repr(self.value))}: convert a "
                "tensor with `.item()`."
            )
