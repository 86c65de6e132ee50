"""Where a long computation may be paused or ended: it asks between its tiles, and whoever runs it decides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


def _go_on() -> None:
    pass


_ask: ContextVar[Callable[[], None]] = ContextVar("between_tiles", default=_go_on)


def between_tiles() -> None:
    """Returns when the computation may go on; raises what its runner raises to end it."""
    _ask.get()()


@contextmanager
def asking(ask: Callable[[], None]) -> Iterator[None]:
    """What is computed within calls `ask` between its tiles."""
    token = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(token)
