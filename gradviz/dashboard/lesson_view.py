"""The view of a lesson's step: fields of the page's address, whose values may be words that the runs give meaning."""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gradviz.dashboard.permalink import View
from gradviz.dashboard.viewfields import FIELDS
from gradviz.errors import UserError, one_line, shown
from gradviz.experiment.names import is_run_name

EPOCH_WORDS = ("first", "last", "middle", "balanced", "lopsided")
UNIT_WORDS = ("live", "dead")
AXES = ("x_a", "y_a", "x_b", "y_b")

_NOT_OF_STEPS = ("lesson", "step")
_NAMES = {field.key: name for name, field in FIELDS.items() if name not in _NOT_OF_STEPS} | {"run": "run"}
_UNIT = re.compile(rf"({'|'.join(UNIT_WORDS)})\s+([\w.]{{1,200}})")
_SWITCHES = {False: "off", True: "true"}  # words of the view that YAML reads otherwise


class Word(BaseModel):
    """A value that the reader's runs give: an epoch, or a parameter of `tensor`."""

    model_config = ConfigDict(frozen=True)

    word: Literal["first", "last", "middle", "balanced", "lopsided", "live", "dead"]
    tensor: str | None = None


Value = Word | int | float | str | list[str] | list[int] | None


class StepView(BaseModel):
    """`fields`: those that differ from the page as it opens, by their names in `permalink.View`; `needs`: a run
    without which the step shows its text alone."""

    model_config = ConfigDict(frozen=True)

    fields: dict[str, Value] = Field(default={})
    needs: str | None = None


def step_view(said: dict[str, Any]) -> tuple[StepView, list[str]]:
    """The view of a block's values, and a sentence for each mistake."""
    fields: dict[str, Value] = {}
    mistakes: list[str] = []
    needs = said.pop("needs", None)
    if needs is not None and not (isinstance(needs, str) and is_run_name(needs)):
        mistakes.append(f"`needs` must be the name of one run, got {shown(needs)}.")
        needs = None
    for key, value in said.items():
        try:
            name = field_named(str(key))
            fields[name] = _value(name, str(key), value)
        except UserError as error:
            mistakes.append(str(error))
    return StepView(fields=fields, needs=needs), mistakes


def field_named(key: str) -> str:
    """The field of the view under a key of the address; UserError names all that there are."""
    if key not in _NAMES:
        raise UserError(f"`{shown(key)}` is not a field of the view: there are {', '.join(sorted(_NAMES))}.")
    return _NAMES[key]


def _value(name: str, key: str, value: object) -> Value:
    text = _SWITCHES[value] if isinstance(value, bool) else value
    if name == "epoch" and text in EPOCH_WORDS:
        return Word.model_validate({"word": text})
    if name in AXES and isinstance(text, str) and (found := _UNIT.fullmatch(text.strip())):
        return Word.model_validate({"word": found[1], "tensor": found[2]})
    try:
        return literal(name, text)
    except UserError as error:
        also = f" Or one of the words {', '.join(EPOCH_WORDS)}." if name == "epoch" else ""
        also = " Or write live TENSOR, dead TENSOR." if name in AXES else also
        raise UserError(f"`{key}`: {str(error).removeprefix(f'`{name}`: ')}{also}") from None


def literal(name: str, value: object) -> Any:
    """The value of a field as the view holds it; UserError says what is allowed."""
    if value is None:
        raise UserError("it has no value.")
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        view = View.model_validate({name: text})
    except ValidationError as error:
        raise UserError(one_line(error)) from None
    return view.model_dump(mode="json")[name]
