"""Why a good question has no answer now: too many wait, nobody listens any more, or it could not be computed."""

import math

from gradviz.errors import UserError


class Unavailable(UserError):
    """Nothing is wrong with the question: the same one can be answered a little later, in about so many `seconds`."""

    seconds = 1


class Busy(Unavailable):
    """As many wait as may. `seconds`: about how long until what waits now is done, if that is known."""

    def __init__(self, waiting: int, seconds: float | None = None) -> None:
        self.waiting = waiting
        self.seconds = max(1, math.ceil(seconds or 0.0))
        about = "in a moment" if seconds is None else f"in about {self.seconds} s"
        super().__init__(f"Busy: {waiting} computations are waiting. Try again {about}.")


class Cancelled(Unavailable):
    """Nobody waits for this result any more, or somebody has cancelled it."""

    def __init__(self) -> None:
        super().__init__("This computation was cancelled: ask again if it is still wanted.")


class ComputationFailed(UserError):
    """The question was good and could not be answered; to ask again at once would not help."""
