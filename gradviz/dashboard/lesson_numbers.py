"""The names of numbers that a lesson's text may show and its conditions compare: `NAME`, `NAME.2` of the second
picture, `NAME @ RUN`; `assets/pure/lessonnumbers.js` measures them."""

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gradviz.errors import UserError, shown
from gradviz.landscape.paths.request import CONDITIONS

NUMBERS: dict[str, str] = {
    "length": "the length of the gradient at ○",
    "slope_x": "∂J/∂x₁ at ○",
    "slope_y": "∂J/∂x₂ at ○",
    "loss": "the minibatch's loss at ○",
    "loss_span": "the largest minus the smallest loss of the field",
    "largest": "the largest gradient of the field",
    "roughness": "the mean angle between neighbouring arrows of the field",
    "zero_share": "the share of arrows that are zero up to round-off",
    "share_below": "the share of the minibatch's rows predicted below their target",
    "num_rows": "the number of rows of the minibatch",
    "active_x": "the share of rows on which the unit of x₁ is active",
    "active_y": "the share of rows on which the unit of x₂ is active",
    "epoch": "the epoch",
    "minibatch": "the minibatch",
    "R": "R of the minibatches' arrows",
    "opposite": "the share of pairs of minibatches whose arrows are more than 90° apart",
    "within": "the share of minibatches whose arrows lie within 90° of their mean",
    "num_minibatches": "the number of minibatches",
    "zero_minibatches": "the number of minibatches whose arrow is zero",
    "share_below_all": "the share of the rows of all minibatches predicted below their target",
    "turn": "the angle between this minibatch's arrow and that of minibatch 0",
    "inside": "the share of minibatches whose arrows end inside the sampling ellipse",
    "train_loss": "the training loss",
    "test_loss": "the test loss",
    "ratio": "the spread of the replicas over their mean step, at the end,",
    "cosine": "the mean cosine between the replicas' steps, at the end,",
}
"""What each number says, by its name."""

TEXTS: dict[str, str] = {
    "x": "name of x₁",
    "y": "name of x₂",
    "zero_reason": "why the arrows are zero",
}
"""Texts, which only `{{…}}` shows."""

OF_PATHS = ("ratio", "cosine")
OPERATORS = ("!=", "<=", ">=", "=", "<", ">")

_PLACE = re.compile(r"\s*(\w{1,40})(?:\.([123]))?(?:\s*@\s*([A-Za-z0-9_-]{1,64}))?\s*")
_CONDITION = re.compile(r"(.+?)(!=|<=|>=|=|<|>)(.+)")


class Place(BaseModel):
    """A number of a picture: `of` names the run, or the condition of Paths; `picture` counts from 1."""

    model_config = ConfigDict(frozen=True)

    name: str
    picture: Literal[1, 2, 3] = 1
    of: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """UserError where it names nothing that is known."""
        found = _PLACE.fullmatch(text)
        if not found or found[1] not in NUMBERS | TEXTS:
            known = ", ".join([*NUMBERS, *TEXTS])
            raise UserError(f"`{shown(text.strip())}` names no number: write NAME or NAME @ RUN, with NAME of {known}.")
        name, picture, of = found.groups()
        if name in OF_PATHS and of not in CONDITIONS:
            raise UserError(
                f"`{name}` is of Paths: write {name} @ CONDITION, with CONDITION of {', '.join(CONDITIONS)}."
            )
        return cls.model_validate({"name": name, "picture": int(picture or 1), "of": of})


class Condition(BaseModel):
    """What holds of a number on show, such as `roughness @ dropout > 20`."""

    model_config = ConfigDict(frozen=True)

    place: Place
    operator: Literal["=", "!=", "<", "<=", ">", ">="]
    value: float = Field(allow_inf_nan=False)
    text: str = Field(description="as it is written")
    says: str = Field(description="what the number is, in words")

    @classmethod
    def parse(cls, line: str) -> Self:
        """UserError says what is not understood."""
        name, operator, value = compared(line)
        place = Place.parse(name)
        if place.name in TEXTS:
            raise UserError(f"`{place.name}` is a text and compares with no number: use one of {', '.join(NUMBERS)}.")
        try:
            number = float(value)
        except ValueError:
            raise UserError(f"`{shown(value)}` is not a number: write a condition such as roughness > 20.") from None
        made: dict[str, Any] = {"place": place, "operator": operator, "value": number, "text": line.strip()}
        made["says"] = NUMBERS[place.name]
        return cls.model_validate(made)


def compared(line: str) -> tuple[str, str, str]:
    """The two sides of a condition and what stands between them; UserError for anything else."""
    found = _CONDITION.fullmatch(line.strip())
    if not found:
        example = "write NAME OPERATOR VALUE, with OPERATOR of " + " ".join(OPERATORS)
        raise UserError(f"`{shown(line.strip())}` is not a condition: {example}.")
    return found[1].strip(), found[2], found[3].strip()
