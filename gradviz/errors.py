"""What a user is told when a value cannot be used: one sentence with the value, what is allowed and the remedy."""

from pydantic import ValidationError


class UserError(ValueError):
    """A mistake that the user can mend; its message is one clear sentence, shown as it stands."""


def one_line(error: ValidationError) -> str:
    """The first complaint of a pydantic error as one sentence that names the argument and its value."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not where or message.endswith("."):
        return message  # a sentence of our own, with the value in it
    given = repr(first["input"])
    return f"`{where}`: {message}, got {given if len(given) <= 60 else given[:57] + '...'}."
