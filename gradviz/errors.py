"""Errors for users: one sentence with the value, what is allowed, and the remedy."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line names its errors without loading pydantic
    from pydantic import ValidationError

_LONGEST_WORD, _LONGEST_LINE = 160, 2000
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}|'[^']{{{_LONGEST_WORD + 1},}}'")


class UserError(ValueError):
    """An error that the user can fix; its message is one clear sentence, shown unchanged.

    `cause`: what is the matter; `remedy`: what to do, where it is given apart. Both are without full stop, and the
    sentence is made of them. It may quote anything: unprintable characters become escapes, and long words are
    shortened.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(as_line(f"{cause}: {remedy}." if remedy else cause))
        self.cause, self.remedy = as_line(cause).removesuffix("."), as_line(remedy)


class NotHere(UserError):
    """The question has no answer at this checkpoint, and may have one at another of the run."""


def as_line(message: str) -> str:
    """The message as one line of printable characters, without the middle of long words or of a long message."""
    line = printable(_LONG_WORD.sub(lambda word: shortened(word[0]), message))
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE // 2]}…{line[-_LONGEST_LINE // 2 :]}"


def shown(value: object) -> str:
    """A value for use in a message: printable characters only, without the middle of a long one."""
    return printable(shortened(str(value)))


def shortened(text: str) -> str:
    """The text, without its middle if it is long."""
    half = _LONGEST_WORD // 2
    return text if len(text) <= _LONGEST_WORD else f"{text[:half]}…{text[-half:]}"


def printable(text: str) -> str:
    """The text with an escape for each unprintable character, including line breaks and lone surrogates.

    Spaces of all widths stay.
    """
    return "".join(c if c.isprintable() or c in _SPACES else c.encode("unicode_escape").decode() for c in text)


_SPACES = "\u00a0\u2009\u202f"


def one_line(error: "ValidationError") -> str:
    """The first complaint of a pydantic error as one sentence that names the argument and its value."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not where or message.endswith("."):
        return message  # a sentence of our own, with the value in it
    given = repr(first["input"])
    return f"`{where}`: {message}, got {given if len(given) <= 60 else given[:57] + '...'}."
