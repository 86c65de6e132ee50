"""Stops a training on request: it notes a signal, and the training ends between two steps, with all files complete."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether a stop was requested, and by which signal (None: by a call of `ask`)."""

    def __init__(self) -> None:
        self.asked = False
        self.signal: int | None = None

    def ask(self, number: int | None = None) -> None:
        """Asks the training to stop after the current step."""
        self.asked, self.signal = True, number


class Stopped(Exception):  # an event, not an error
    """Raised between two steps after a request to stop."""


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turns the first SIGTERM or SIGINT into a request; a second has its usual effect (Ctrl-C twice interrupts).

    Outside the main thread, which alone can handle signals, only a call of `ask` requests a stop.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def note(number: int, _frame: FrameType | None) -> None:
        request.ask(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        for number in SIGNALS:
            signal.signal(number, note)
        yield request
    finally:
        restore()
