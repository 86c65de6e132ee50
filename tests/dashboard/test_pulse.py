"""A long work says that it goes on, and stops when nobody listens."""

import threading
from collections.abc import Generator

import pytest

from gradviz.dashboard.pulse import with_pulse


def test_pulses_come_while_nothing_else_does():
    may_go_on = threading.Event()

    def work() -> Generator[int, None, None]:
        yield 1
        assert may_go_on.wait(60)
        yield 2

    items = with_pulse(work(), 0.01)
    assert next(item for item in items if item) == 1
    assert [next(items), next(items)] == [None, None]
    may_go_on.set()
    assert [item for item in items if item] == [2]


def test_an_error_is_that_of_the_work():
    def work() -> Generator[int, None, None]:
        yield 1
        raise ValueError("no")

    items = with_pulse(work(), 60)
    assert next(items) == 1
    with pytest.raises(ValueError, match="no"):
        next(items)


def test_closing_closes_the_work_in_its_own_thread():
    threads = []

    def work() -> Generator[int, None, None]:
        try:
            threads.append(threading.get_ident())
            yield 1
        finally:
            threads.append(threading.get_ident())

    items = with_pulse(work(), 60)
    assert next(items) == 1
    items.close()
    assert len(threads) == 2
    assert threads[0] == threads[1] != threading.get_ident()
