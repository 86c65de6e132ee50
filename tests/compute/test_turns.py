"""One computation at a time: who goes first, how many may wait, and what cancelling does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from gradviz.compute.interface import Busy, Cancelled, Load, Priority, Ticket
from gradviz.compute.kinds import ActivityQuestion
from gradviz.compute.turns import Turns

PATIENCE_SECONDS = 60


def ticket(priority: Priority = "interactive") -> Ticket:
    return Ticket("key", ActivityQuestion(variant="none", epoch=0), priority, ())


class Counter:
    """A computation that others wait behind, and the order in which they came to their turns."""

    def __init__(self, limit: int) -> None:
        self.turns = Turns(limit)
        self.order: list[str] = []
        self.may_end = threading.Event()
        self._threads = ThreadPoolExecutor(8)
        started = threading.Event()
        self._run(ticket(), lambda: True, lambda: (started.set(), self.may_end.wait(PATIENCE_SECONDS)))
        assert started.wait(PATIENCE_SECONDS)

    def queue(self, name: str, asked: Ticket, still_wanted: Callable[[], bool] = lambda: True) -> Future[None]:
        before = self.waiting()
        future = self._run(asked, still_wanted, lambda: self.order.append(name))
        while self.waiting() == before and not future.done():
            wait([future], timeout=0.001)
        return future

    def waiting(self) -> int:
        load = self.turns.load()
        return load.waiting_interactive + load.waiting_sweeps

    def _run(self, asked: Ticket, still_wanted: Callable[[], bool], body: Callable[[], object]) -> Future[None]:
        def run() -> None:
            with self.turns.turn(asked, still_wanted):
                body()

        return self._threads.submit(run)

    def close(self) -> None:
        self.may_end.set()
        self._threads.shutdown()


@pytest.fixture
def counter():
    counter = Counter(limit=4)
    yield counter
    counter.close()


def test_what_somebody_waits_for_goes_before_sweeps_then_who_came_first(counter: Counter):
    asked: dict[str, Priority] = {
        "sweep 1": "sweep",
        "first": "interactive",
        "sweep 2": "sweep",
        "then": "interactive",
    }
    for name, priority in asked.items():
        counter.queue(name, ticket(priority))
    assert counter.turns.load() == Load(2, 2, 1)
    counter.close()
    assert counter.order == ["first", "then", "sweep 1", "sweep 2"]
    assert counter.turns.load() == Load(0, 0, 0)


def test_more_than_the_limit_are_told_at_once_how_many_wait(counter: Counter):
    for _ in range(4):
        counter.queue("waits", ticket())
    with pytest.raises(Busy, match="4 computations are waiting"):
        counter.queue("too many", ticket()).result(PATIENCE_SECONDS)
    counter.close()
    assert counter.order == ["waits"] * 4


def test_a_cancelled_ticket_leaves_and_others_stay(counter: Counter):
    gone = ticket()
    left = counter.queue("gone", gone)
    counter.queue("stays", ticket())  # the same question, asked by somebody else
    counter.turns.cancel(gone)
    with pytest.raises(Cancelled):
        left.result(PATIENCE_SECONDS)
    counter.close()
    assert counter.order == ["stays"]


def test_what_nobody_wants_any_more_leaves_by_itself(counter: Counter):
    wanted = threading.Event()
    wanted.set()
    left = counter.queue("gone", ticket(), wanted.is_set)
    wanted.clear()
    with pytest.raises(Cancelled):
        left.result(PATIENCE_SECONDS)
    assert counter.waiting() == 0


def test_a_failed_computation_gives_its_turn_on():
    turns = Turns(limit=1)
    with pytest.raises(ZeroDivisionError), turns.turn(ticket(), lambda: True):
        raise ZeroDivisionError
    with turns.turn(ticket(), lambda: True):
        assert turns.load() == Load(0, 0, 1)
