"""Errors for valid questions without an answer: too many wait, the caller gave up, or the computation failed."""

import math

from gradviz.errors import UserError


class Unavailable(UserError):
    """The question is valid: retry it in about `seconds`."""

    seconds = 1


class Busy(Unavailable):
    """The queue is full. `seconds`: about how long until the current queue is done, if known."""

    def __init__(self, waiting: int, seconds: float | None = None) -> None:
        self.waiting = waiting
        self.seconds = max(1, math.ceil(seconds or 0.0))
        about = "in a moment" if seconds is None else f"in about {self.seconds} s"
        super().__init__(f"Busy: {waiting} computations are waiting. Try again {about}.")


class Cancelled(Unavailable):
    """No one waits for this result any more, or it was cancelled."""

    def __init__(self) -> None:
        super().__init__("Computation cancelled; request it again.")


class ComputationFailed(UserError):
    """The question is valid but could not be answered; an immediate retry would not help."""
