"""The number of CPU threads of a training: another number rounds sums differently."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """Uses this number of CPU threads within the context."""
    before = torch.get_num_threads()
    if number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number != before:
            torch.set_num_threads(before)


def threads_words(number: int) -> str:
    """`1 thread`, `2 threads`."""
    return "1 thread" if number == 1 else f"{number} threads"
