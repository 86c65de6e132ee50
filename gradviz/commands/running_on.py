"""Shared by long-running commands: their messages on the terminal, and the signals that end them."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def say(message: str) -> None:
    """One line on stderr."""
    print(f"gradviz: {message}", file=sys.stderr, flush=True)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set; restores the signals' handlers afterwards."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
