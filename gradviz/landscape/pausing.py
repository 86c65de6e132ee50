"""Lets a long computation be paused or ended: it asks its runner between its tiles."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


def _go_on() -> None:
    pass


_ask: ContextVar[Callable[[], None]] = ContextVar("between_tiles", default=_go_on)


def between_tiles() -> None:
    """Returns when the computation may continue; raises the runner's exception to end it."""
    _ask.get()()


@contextmanager
def asking(ask: Callable[[], None]) -> Iterator[None]:
    """Makes computations within it call `ask` between their tiles."""
    token = _ask.set(ask)
    try:
        yield
    finally:
        _ask.reset(token)
