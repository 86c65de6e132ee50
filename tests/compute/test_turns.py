"""One computation at a time: who goes first, how many may wait, what cancelling does, and what is long gives way."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest

from gradviz.compute import question
from gradviz.compute import turns as turns_module
from gradviz.compute.interface import Busy, Cancelled, ComputationFailed, Load, Priority, Ticket
from gradviz.compute.kinds import ActivityQuestion, LandscapeQuestion
from gradviz.compute.turns import PATIENCE_SECONDS as LONG_WAITS
from gradviz.compute.turns import QUANTUM_SECONDS, WAIT_SECONDS, Turns, asked_by
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.pausing import between_tiles

PATIENCE_SECONDS = 60


def ticket(priority: Priority = "interactive") -> Ticket:
    return Ticket("key", ActivityQuestion(run="none", epoch=0), priority, ())


def always() -> bool:
    return True


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


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

    def queue(
        self, name: str, asked: Ticket, still_wanted: Callable[[], bool] = always, client: str = ""
    ) -> Future[None]:
        before = self.waiting()
        future = self._run(asked, still_wanted, lambda: self.order.append(name), client)
        while self.waiting() == before and not future.done():
            wait([future], timeout=0.001)
        return future

    def waiting(self) -> int:
        load = self.turns.load()
        return load.waiting_interactive + load.waiting_sweeps

    def _run(
        self, asked: Ticket, still_wanted: Callable[[], bool], body: Callable[[], object], client: str = ""
    ) -> Future[None]:
        def work() -> bytes:
            body()
            return b""

        def run() -> None:
            with asked_by(client):
                self.turns.run(asked, work, still_wanted)

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

    def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        turns.run(ticket(), fail)
    assert turns.run(ticket(), lambda: str(turns.load()).encode()) == str(Load(0, 0, 1)).encode()


def test_clients_take_turns_however_much_one_of_them_asks(counter: Counter):
    for name in ("many 1", "many 2", "many 3"):
        counter.queue(name, ticket(), client="many")
    counter.queue("other", ticket(), client="other")
    counter.close()
    assert counter.order == ["many 1", "other", "many 2", "many 3"]


def test_who_waits_too_long_for_a_first_turn_is_told_how_many_do():
    clock = Clock()
    turns = Turns(limit=4, clock=clock, work_clock=clock)

    def work() -> bytes:
        def impatient() -> bool:
            clock.pass_(WAIT_SECONDS)
            return True

        with ThreadPoolExecutor(1) as other, pytest.raises(Busy, match="1 computations are waiting"):
            other.submit(turns.run, ticket(), bytes, impatient).result(PATIENCE_SECONDS)
        return b"done"

    assert turns.run(ticket(), work) == b"done"


class Long:
    """A computation of tiles; others come and time passes during the tile that is told."""

    def __init__(self, turns: Turns, clock: Clock, order: list[str], name: str, tiles: int = 3) -> None:
        self.turns, self.clock, self.order, self.name, self.tiles = turns, clock, order, name, tiles
        self.seconds = QUANTUM_SECONDS
        self.during: dict[int, Callable[[], None]] = {}
        self.begun = 0

    def __call__(self) -> bytes:
        self.begun += 1
        for tile in range(self.tiles):
            between_tiles()
            self.order.append(f"{self.name}{tile}")
            self.during.pop(tile, lambda: None)()
            self.clock.pass_(self.seconds)
        return self.name.encode()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def enter(
    threads: ThreadPoolExecutor, turns: Turns, work: Callable[[], bytes], asked: Ticket | None = None
) -> Future[bytes]:
    """Somebody asks; returns when he waits."""
    before = sum((turns.load().waiting_interactive, turns.load().waiting_sweeps))
    future = threads.submit(turns.run, asked or ticket(), work)
    while sum((turns.load().waiting_interactive, turns.load().waiting_sweeps)) == before and not future.done():
        wait([future], timeout=0.001)
    return future


def first_of_a_row(
    threads: ThreadPoolExecutor,
    turns: Turns,
    clock: Clock,
    order: list[str],
    answers: list[Future[bytes]],
    number: int = 0,
) -> Long:
    """The first of ten short computations, each of which brings the next while it runs."""
    short = Long(turns, clock, order, f"short{number}.", tiles=1)
    short.seconds = LONG_WAITS / 3
    if number < 9:
        short.during[0] = lambda: answers.append(
            enter(threads, turns, first_of_a_row(threads, turns, clock, order, answers, number + 1))
        )
    return short


def test_a_long_computation_pauses_for_a_short_one_and_keeps_what_it_has_done(threads: ThreadPoolExecutor):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    long = Long(turns, clock, order, "long")
    short = Long(turns, clock, order, "short", tiles=1)
    answers: list[Future[bytes]] = []
    long.during[0] = lambda: answers.append(enter(threads, turns, short))
    assert turns.run(ticket(), long) == b"long"
    assert answers[0].result(PATIENCE_SECONDS) == b"short"
    assert order == ["long0", "short0", "long1", "long2"]
    assert long.begun == 1


def test_a_second_long_one_begins_again_so_that_few_are_held(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(turns_module, "MOST_PAUSED", 1)
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    first, second = (Long(turns, clock, order, name) for name in ("first", "second"))
    answers: list[Future[bytes]] = []
    first.during[0] = lambda: answers.append(enter(threads, turns, second))
    assert turns.run(ticket(), first) == b"first"
    assert answers[0].result(PATIENCE_SECONDS) == b"second"
    assert order == ["first0", "second0", "first1", "first2", "second0", "second1", "second2"]
    assert (first.begun, second.begun) == (1, 2)


def test_a_paused_computation_goes_on_though_short_ones_never_end(threads: ThreadPoolExecutor):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    long = Long(turns, clock, order, "long", tiles=2)
    answers: list[Future[bytes]] = []

    first = first_of_a_row(threads, turns, clock, order, answers)
    long.during[0] = lambda: answers.append(enter(threads, turns, first))
    assert turns.run(ticket(), long) == b"long"
    while len(answers) < 10 or not answers[-1].done():
        wait(answers, timeout=0.001)
    assert order.index("long1") <= 5
    assert len([name for name in order if name.startswith("short")]) >= 10


@pytest.mark.parametrize(
    "asked", [replace(ticket(), passes=1000.0), ticket("sweep")], ids=["what is long", "what is computed ahead"]
)
def test_what_has_not_begun_begins_though_short_ones_never_end(threads: ThreadPoolExecutor, asked: Ticket):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    waiting = Long(turns, clock, order, "waiting", tiles=1)
    answers: list[Future[bytes]] = []

    first = first_of_a_row(threads, turns, clock, order, answers)
    then = first.during.pop(0)

    def come() -> None:
        then()
        answers.append(enter(threads, turns, waiting, asked))

    first.during[0] = come
    turns.run(ticket(), first)
    while len(answers) < 10 or not all(answer.done() for answer in answers):
        wait(answers, timeout=0.001)
    assert 3 <= order.index("waiting0") <= 5


def test_an_answer_of_a_sweep_has_waited_since_its_request_arrived(counter: Counter):
    waited = replace(ticket("sweep"), since=time.monotonic() - LONG_WAITS - 1)
    for name, asked in (("sweep", ticket("sweep")), ("waited", waited), ("first", ticket())):
        counter.queue(name, asked)
    counter.close()
    assert counter.order == ["waited", "first", "sweep"]


def test_short_ones_have_their_time_between_two_long_ones_that_have_waited(threads: ThreadPoolExecutor):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    answers: list[Future[bytes]] = []
    longs = [Long(turns, clock, order, f"long{number}.", tiles=1) for number in range(2)]
    shorts = [Long(turns, clock, order, f"short{number}.", tiles=1) for number in range(3)]

    def come() -> None:
        for work in longs:
            answers.append(enter(threads, turns, work, replace(ticket(), passes=1000.0)))
        answers.append(enter(threads, turns, shorts[1]))
        answers.append(enter(threads, turns, shorts[2]))

    shorts[0].during[0] = come
    shorts[0].seconds, shorts[1].seconds = LONG_WAITS + 1, 2 * QUANTUM_SECONDS
    turns.run(ticket(), shorts[0])
    for answer in answers:
        answer.result(PATIENCE_SECONDS)
    assert order == ["short0.0", "long0.0", "short1.0", "long1.0", "short2.0"]


def test_a_short_computation_beside_busy_threads_stays_short(threads: ThreadPoolExecutor):
    clock, work_clock, order = Clock(), Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=work_clock)
    slowed, other = Long(turns, clock, order, "slowed"), Long(turns, clock, order, "other", tiles=1)
    answers: list[Future[bytes]] = []

    def come() -> None:
        work_clock.pass_(QUANTUM_SECONDS / 10)
        answers.append(enter(threads, turns, other))

    slowed.seconds = 3 * QUANTUM_SECONDS
    slowed.during[0] = come
    turns.run(ticket(), slowed)
    answers[0].result(PATIENCE_SECONDS)
    assert order == ["slowed0", "slowed1", "slowed2", "other0"]


def test_who_has_left_ends_the_computation_at_its_next_tile():
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    there = threading.Event()
    there.set()
    long = Long(turns, clock, order, "long")
    long.during[1] = there.clear
    with pytest.raises(Cancelled):
        turns.run(ticket(), long, there.is_set)
    assert order == ["long0", "long1"]
    assert turns.load() == Load(0, 0, 0)


def test_who_has_left_a_paused_computation_ends_it(threads: ThreadPoolExecutor):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    there = threading.Event()
    there.set()
    long, other = Long(turns, clock, order, "long"), Long(turns, clock, order, "other", tiles=1)
    other.during[0] = there.clear
    answers: list[Future[bytes]] = []
    long.during[0] = lambda: answers.append(enter(threads, turns, other))
    with pytest.raises(Cancelled):
        turns.run(ticket(), long, there.is_set)
    assert answers[0].result(PATIENCE_SECONDS) == b"other"
    assert turns.run(ticket(), Long(turns, clock, order, "next")) == b"next"


def test_a_computation_that_takes_too_long_is_ended_and_said():
    clock = Clock()
    turns = Turns(limit=8, seconds=10, clock=clock, work_clock=clock)
    long = Long(turns, clock, [], "long")
    long.seconds = 6
    with pytest.raises(ComputationFailed, match=r"longer than 10 s here: request fewer .* GRADVIZ_TASK_SECONDS"):
        turns.run(ticket(), long)
    assert turns.load() == Load(0, 0, 0)


def test_what_is_known_to_be_long_goes_after_what_is_short_and_the_smaller_first(counter: Counter):
    for name, passes in (("huge", 4000.0), ("short", 1.0), ("large", 100.0), ("huge too", 3000.0)):
        asked = ticket()
        counter.queue(name, replace(asked, passes=passes))
    counter.close()
    assert counter.order == ["short", "large", "huge", "huge too"]


def test_a_long_computation_gives_way_at_its_next_tile(threads: ThreadPoolExecutor):
    clock, order = Clock(), []
    turns = Turns(limit=8, clock=clock, work_clock=clock)
    long, short = Long(turns, clock, order, "long"), Long(turns, clock, order, "short", tiles=1)
    long.seconds = 0.001
    answers: list[Future[bytes]] = []
    long.during[0] = lambda: answers.append(enter(threads, turns, short))
    assert turns.run(replace(ticket(), passes=1000.0), long) == b"long"
    assert answers[0].result(PATIENCE_SECONDS) == b"short"
    assert order == ["long0", "short0", "long1", "long2"]


def test_a_picture_with_fresh_masks_is_known_to_be_long_and_a_small_network_to_be_quick(
    tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch
):
    request = LandscapeRequest.of(
        run="dropout", epoch=1, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", mode="train"
    )

    def passes(**changes: object) -> float:
        return LandscapeQuestion(request=request.model_copy(update=changes)).passes(tiny_store)

    assert passes() == pytest.approx(21 * 21 / 50)
    monkeypatch.setattr(question, "_WEIGHTS_OF_A_PASS", tiny_store.run("none").record.num_parameters)
    assert passes() == 21 * 21
    assert passes(masks="averaged") == 8
    assert passes(masks="frozen") == passes(mode="eval") == passes(run="none") == 1
    assert passes(mode="eval", points=201, minibatch_size=1024) == pytest.approx(201**2 / 21**2 * 16)
