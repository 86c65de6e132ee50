"""Says every few seconds that a long work still goes on, so that nobody takes its connection for dead."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

_Item = TypeVar("_Item")


def with_pulse(work: Generator[_Item, None, None], seconds: float) -> Generator[_Item | None, None, None]:
    """What `work` yields, computed in a thread of its own; None whenever nothing has come for `seconds`.

    Closing this closes `work`, after the step that it is at.
    """
    context = copy_context()
    with ThreadPoolExecutor(1, "export") as thread:
        try:
            while True:
                step = thread.submit(context.run, next, work, None)
                while not wait([step], seconds).done:
                    yield None
                item = step.result()
                if item is None:
                    return
                yield item
        finally:
            thread.submit(work.close).result()
