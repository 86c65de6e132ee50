"""Threads are bounded and shared fairly; what finds none waits without one, or is told how many do."""

import threading
from dataclasses import dataclass, field

import pytest

from gradviz.compute import turns
from gradviz.serving.pools import Limits, Pool, Pools

PATIENCE_SECONDS = 60


@dataclass(eq=False)
class Request:
    client: str
    order: list["Request"] = field(repr=False)
    may_end: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    is_there: bool = True
    refused: tuple[int, float] | None = None
    seen_client: str = ""

    def is_wanted(self) -> bool:
        return self.is_there

    def service(self) -> None:
        self.order.append(self)
        self.seen_client = turns._client.get()
        self.begun.set()
        assert self.may_end.wait(PATIENCE_SECONDS)

    def refuse(self, waiting: int, seconds: float) -> None:
        self.refused = waiting, seconds


class Broken(Request):
    def service(self) -> None:
        raise ZeroDivisionError


class Desk:
    """A pool, and all requests that it has begun, in order."""

    def __init__(self, limits: Limits) -> None:
        self.pool = Pool("test", limits)
        self.pools = Pools({"test": self.pool}, lambda task: "test")
        self.order: list[Request] = []
        self.all: list[Request] = []

    def ask(self, client: str) -> Request:
        request = Request(client, self.order)
        self.all.append(request)
        self.pools.add_task(request)
        return request

    def close(self) -> None:
        for request in self.all:
            request.may_end.set()
        self.pools.stop()


@pytest.fixture
def make_desk():
    desks: list[Desk] = []

    def make(**limits: int) -> Desk:
        desks.append(Desk(Limits(**limits)))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def test_one_client_never_holds_all_threads(make_desk):
    desk = make_desk(threads=3, share=2, waiting=100)
    many = [desk.ask("many") for _ in range(50)]
    assert all(request.begun.wait(PATIENCE_SECONDS) for request in many[:2])
    other = desk.ask("other")
    assert other.begun.wait(PATIENCE_SECONDS)
    assert not any(request.begun.is_set() for request in many[2:])


def test_clients_take_turns_in_the_queue(make_desk):
    desk = make_desk(threads=1, share=1, waiting=100)
    first = desk.ask("many")
    assert first.begun.wait(PATIENCE_SECONDS)
    waiting = [desk.ask(client) for client in ("many", "many", "a", "b", "a")]
    for request in desk.all:
        request.may_end.set()
    assert all(request.begun.wait(PATIENCE_SECONDS) for request in waiting)
    assert [request.client for request in desk.order] == ["many", "many", "a", "b", "many", "a"]


def test_what_is_too_much_is_refused_with_the_number_that_waits(make_desk):
    desk = make_desk(threads=1, share=1, waiting=3)
    assert desk.ask("a").begun.wait(PATIENCE_SECONDS)
    waiting = [desk.ask("a") for _ in range(3)]
    assert [request.refused for request in waiting] == [None] * 3
    refused = desk.ask("b")
    assert refused.refused is not None
    assert refused.refused[0] == 3


def test_who_has_left_the_queue_makes_room(make_desk):
    desk = make_desk(threads=1, share=1, waiting=2)
    assert desk.ask("a").begun.wait(PATIENCE_SECONDS)
    left, stays = desk.ask("a"), desk.ask("a")
    left.is_there = False
    new = desk.ask("b")
    assert new.refused is None
    for request in desk.all:
        request.may_end.set()
    assert new.begun.wait(PATIENCE_SECONDS)
    assert stays.begun.wait(PATIENCE_SECONDS)
    assert not left.begun.is_set()


def test_a_request_that_fails_gives_its_thread_back_and_is_logged(make_desk, caplog: pytest.LogCaptureFixture):
    desk = make_desk(threads=1, share=1, waiting=2)
    desk.pools.add_task(Broken("a", desk.order))
    assert desk.ask("a").begun.wait(PATIENCE_SECONDS)
    assert "Could not answer" in caplog.text


def test_what_is_computed_for_a_request_knows_its_client(make_desk):
    desk = make_desk(threads=2, share=2, waiting=2)
    one, other = desk.ask("a"), desk.ask("b")
    assert one.begun.wait(PATIENCE_SECONDS)
    assert other.begun.wait(PATIENCE_SECONDS)
    assert (one.seen_client, other.seen_client) == ("a", "b")
