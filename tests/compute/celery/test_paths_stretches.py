"""A job of paths as a broker knows it: one for all servers, in stretches, cancelled, refused, lost and sent again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gradviz.compute import paths as paths_module
from gradviz.compute.celery import paths as module
from gradviz.compute.celery import paths_stretch
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.chain_watch import LOST_SECONDS, ChainWatch
from gradviz.compute.celery.desk import FULL, MAX_STARTS, Desk, Start
from gradviz.compute.celery.envelope import TAKE_PATHS
from gradviz.compute.celery.messages import PathsOrder, code_version
from gradviz.compute.celery.names import PATHS
from gradviz.compute.celery.paths import NO_WORKER, CeleryPaths
from gradviz.compute.celery.paths_desk import PathsDesk, PathsNow
from gradviz.compute.celery.paths_stretch import compute_stretch
from gradviz.compute.celery.segment import Then
from gradviz.compute.celery.workers import name_of
from gradviz.compute.interface import Unavailable
from gradviz.compute.paths import LAYOUT, paths
from gradviz.compute.paths_job import WAITS, Job
from gradviz.compute.paths_jobs import AnotherJob, PathsJobs
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings
from tests.compute.celery.in_thread import worker_of
from tests.compute.celery.running import RedisServer, until

# Said at each loss of a connection: what runs goes on, here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
DATABASE = "12"
ASKED = PathsRequest.of(run="none", epoch=1, replicas=3, conditions=("same", "order"))


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.database(int(DATABASE)) as client:
        yield client


@pytest.fixture
def alone(make_settings: MakeSettings, redis_server: RedisServer, client: redis.Redis) -> Settings:
    return make_settings(broker=redis_server.url.removesuffix("0") + DATABASE)


@pytest.fixture
def desk(alone: Settings) -> PathsDesk:
    return PathsDesk(Desk(broker_of(alone), alone), alone)


class Server(PathsJobs):
    """As a web server has it, with a cache and a clock of its own."""

    def __init__(self, settings: Settings, cache: Path, **changes: object) -> None:
        own = settings.model_copy(update={"cache_dir": cache, **changes})
        self.runner, self.seconds = CeleryPaths(own), 0.0
        self.runner._watch = ChainWatch(self.runner._paths, lambda: self.seconds)
        self.cache = cache
        super().__init__(own, RunStore(own.runs), self.runner)

    def content(self) -> dict[str, bytes]:
        """The answers that are kept here."""
        return {path.name: path.read_bytes() for path in (self.cache / LAYOUT).glob("*.safetensors")}

    def order(self) -> PathsOrder:
        """What a worker gets of the job under way."""
        now = self.runner._paths.now()
        assert now is not None
        return PathsOrder(code=code_version(), chain=now.chain, key=now.job.key, request=now.job.request)

    def state(self) -> str:
        job = self.job()
        return "none" if job is None else job.state

    def looks(self, *, after: float = 0.0) -> str:
        self.seconds += after
        return self.state()


@pytest.fixture
def server(alone: Settings, tmp_path: Path) -> Server:
    return Server(alone, tmp_path / "cache")


@pytest.fixture(scope="module")
def at_home(tiny_store: RunStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The answer that `gradviz paths` keeps."""
    directory = tmp_path_factory.mktemp("at-home")
    paths(tiny_store, ASKED, directory, device="cpu")
    return {path.name: path.read_bytes() for path in (directory / LAYOUT).glob("*.safetensors")}


def done_by(settings: Settings, desk: PathsDesk, order: PathsOrder) -> list[Job]:
    """What a worker tells after each stretch, until it sends no next one."""
    told, store = [], RunStore(settings.runs)
    while compute_stretch(order, store, settings, desk) is Then.NEXT:
        now = desk.now()
        assert now is not None
        assert now.number == order.number
        told.append(now.job)
        order = order.model_copy(update={"number": order.number + 1})
    return told


def test_stretches_of_one_replica_each_end_with_the_bytes_of_home(
    server: Server, alone: Settings, desk: PathsDesk, at_home: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paths_stretch, "SHARE_OF_LIMIT", 0.0)
    monkeypatch.setattr("gradviz.compute.paths_job._EVERY_SECONDS", 0.0)
    begun = server.start(ASKED)
    assert (begun.is_known, server.state()) == (False, "running")
    told = done_by(alone, desk, server.order())
    # The moments of epoch 1, the recorded path, 2 of same and 3 of order: the next stretch begins before each.
    assert [each.what for each in told] == [
        *["moments of epoch 1", "the run's own minibatches", "same 1 of 2", "same 2 of 2", "order 1 of 3"],
        "order 2 of 3",
    ]
    assert [each.done for each in told] == [3, 6, 9, 12, 15, 18]
    assert {each.total for each in told} == {21}
    assert all(each.seconds_left is not None for each in told)
    job = server.job()
    assert job is not None
    assert (job.state, job.done, job.total, job.message) == ("finished", 21, 21, "")
    after = server.asked(ASKED)
    assert after.is_known
    assert server.content() == at_home
    found = server.result(after.key)
    assert found is not None
    assert found.request == ASKED


def test_servers_with_other_caches_share_one_job_and_its_answer(
    alone: Settings, desk: PathsDesk, client: redis.Redis, at_home: dict[str, bytes], tmp_path: Path
):
    one, other = (Server(alone, tmp_path / name) for name in ("one", "other"))
    key = one.start(ASKED).key
    assert other.start(ASKED).key == key
    assert client.llen("gradviz:paths") == 1
    with pytest.raises(AnotherJob, match="Paths of none are being computed here"):
        other.start(ASKED.model_copy(update={"seed": 1}))
    done_by(alone, desk, one.order())
    assert other.result(key) is not None  # by its key alone, as a link asks
    assert other.content() == at_home
    reader = Server(alone, tmp_path / "reader", read_only=True)
    assert reader.asked(ASKED).is_known
    assert reader.content() == at_home
    assert client.llen("gradviz:paths") == 1  # no server has sent it again
    # A day later the broker has forgotten it: a server that never looked asks again, and its worker knows it.
    client.flushdb()
    late = Server(alone, tmp_path / "late")
    assert not late.start(ASKED).is_known
    assert done_by(alone, desk, late.order()) == []
    assert late.asked(ASKED).is_known


def test_a_cancelled_job_that_waits_leaves_nothing(server: Server, desk: PathsDesk, client: redis.Redis):
    key = server.start(ASKED).key
    order = server.order()
    job = server.job()
    assert job is not None
    assert (job.message, job.what) == (NO_WORKER, "waits for a worker")
    desk._desk.workers.beat(name_of(PATHS, "here"))
    assert server.state() == "running"
    untouched = server.cancel("0" * 64)
    assert untouched is not None
    assert untouched.state == "running"  # of another key
    ended = server.cancel(key)
    assert ended is not None
    assert (ended.state, ended.message.split(".")[0]) == ("stopped", "Cancelled")
    assert not client.exists("gradviz:paths", "gradviz:paths:now", "gradviz:paths:by")
    assert compute_stretch(order, server._store, server._settings, desk) is Then.NOTHING  # had it been taken meanwhile
    assert not (server.cache / LAYOUT).exists()


def test_a_job_that_is_cancelled_while_it_is_computed_stops_within_a_step(
    server: Server,
    alone: Settings,
    desk: PathsDesk,
    monkeypatch: pytest.MonkeyPatch,
    at_home: dict[str, bytes],
    client: redis.Redis,
):
    monkeypatch.setattr("gradviz.compute.paths_job._EVERY_SECONDS", 0.0)
    monkeypatch.setattr(PathsDesk, "is_held", lambda self: True)
    key = server.start(ASKED).key
    speak, seen = PathsDesk.speak, []

    def spoken(self: PathsDesk, now: PathsNow) -> None:
        speak(self, now)
        seen.append(now.job.done)
        if seen[-1] == 8 and seen.count(8) == 1:
            server.cancel(key)

    monkeypatch.setattr(PathsDesk, "speak", spoken)
    assert done_by(alone, desk, server.order()) == []
    job = server.job()
    assert job is not None
    assert (job.state, max(seen)) == ("stopped", 8)
    assert not client.exists("gradviz:paths:now")
    server.start(ASKED)
    done_by(alone, desk, server.order())
    assert server.asked(ASKED).is_known
    assert server.content() == at_home


def test_a_job_that_is_cancelled_as_its_worker_is_killed_ends_when_that_is_known(
    server: Server, desk: PathsDesk, client: redis.Redis
):
    worker = name_of(PATHS, "here")
    desk._desk.workers.beat(worker)
    key = server.start(ASKED).key
    claim = desk.held(Start(worker, "message"))
    assert claim.__enter__()
    ended = server.cancel(key)
    assert ended is not None
    assert ended.state == "running"
    client.delete(f"gradviz:worker:{worker}")  # as it falls silent
    assert server.state() == "stopped"
    assert not client.exists("gradviz:paths", "gradviz:paths:now")


def test_a_broker_without_room_for_the_answer_is_told_and_asked_again(
    server: Server, alone: Settings, desk: PathsDesk, monkeypatch: pytest.MonkeyPatch, at_home: dict[str, bytes]
):
    def full(self: PathsDesk, key: str, content: bytes) -> None:
        raise Unavailable(FULL)

    server.start(ASKED)
    with monkeypatch.context() as now:
        now.setattr(PathsDesk, "leave_answer", full)
        assert done_by(alone, desk, server.order()) == []
    job = server.job()
    assert job is not None
    assert (job.state, job.message) == ("failed", FULL)
    server.start(ASKED)
    assert done_by(alone, desk, server.order()) == []
    assert server.asked(ASKED).is_known
    assert server.content() == at_home


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "0" * 16}, "install the same version on both"),
        ({"key": "0" * 64}, "read different contents of this run"),
        ({"request": ASKED.model_copy(update={"run": "gone"})}, "gone"),
        ({"request": ASKED.model_copy(update={"epochs": 20, "replicas": 60})}, "different contents"),
    ],
)
def test_a_worker_says_why_it_does_not_compute(
    server: Server, alone: Settings, desk: PathsDesk, change: dict, sentence: str
):
    server.start(ASKED)
    assert done_by(alone, desk, server.order().model_copy(update=change)) == []
    job = server.job()
    assert job is not None
    assert job.state == "failed"
    assert sentence in job.message


def test_a_worker_with_a_smaller_cache_refuses(server: Server, alone: Settings, desk: PathsDesk):
    server.start(ASKED)
    assert done_by(alone.model_copy(update={"cache_bytes": 1}), desk, server.order()) == []
    job = server.job()
    assert job is not None
    assert "The worker refuses: These paths need" in job.message


def test_what_breaks_is_told(
    server: Server,
    alone: Settings,
    desk: PathsDesk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    def breaks(*arguments: object, **options: object) -> None:
        raise RuntimeError("mat1 and mat2")

    monkeypatch.setattr(paths_module, "measure", breaks)
    server.start(ASKED)
    assert done_by(alone, desk, server.order()) == []
    job = server.job()
    assert job is not None
    assert "The job failed (RuntimeError); see the worker's log" in job.message
    assert "mat1 and mat2" in caplog.text


def test_a_stretch_that_no_worker_survives_is_given_up(server: Server, alone: Settings, desk: PathsDesk):
    server.start(ASKED)
    order = server.order()
    for _ in range(MAX_STARTS):
        desk.count_start(order.chain, order.number)
    assert done_by(alone, desk, order) == []
    job = server.job()
    assert job is not None
    assert f"finished no replica within {alone.task_seconds} s, {MAX_STARTS} times" in job.message


def test_an_answer_that_is_too_large_to_send_is_refused_before_it_is_computed(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MOST_SENT_BYTES", 1000)
    assert "a worker sends 0 MB at most: choose fewer points" in server.asked(ASKED).refusal
    with pytest.raises(UserError, match="choose fewer points"):
        server.start(ASKED)


def test_the_size_of_an_answer_is_known_before(server: Server, at_home: dict[str, bytes]):
    [content] = at_home.values()
    cost = server.asked(ASKED).cost
    header = int.from_bytes(content[:8], "little")
    expected = len(content) - 8 - header
    assert module.answer_bytes(ASKED, cost) == expected


def test_a_read_only_server_sends_nothing(alone: Settings, client: redis.Redis, tmp_path: Path):
    reader = Server(alone, tmp_path, read_only=True)
    with pytest.raises(UserError, match="read-only"):
        reader.start(ASKED)
    with pytest.raises(UserError, match="read-only"):
        reader.cancel("0" * 64)
    assert not client.keys("gradviz:paths*")


def test_a_job_whose_broker_has_lost_all_is_sent_again_and_seen_meanwhile(
    server: Server, alone: Settings, client: redis.Redis, tmp_path: Path
):
    server.start(ASKED)
    assert server.looks() == "running"
    client.flushdb()
    assert server.looks() == "running"  # a worker that computes has this time to say so
    assert not client.llen("gradviz:paths")
    assert server.looks(after=LOST_SECONDS) == "running"
    assert client.llen("gradviz:paths") == 1
    assert Server(alone, tmp_path / "other").state() == "running"


def test_a_full_broker_is_said_where_a_job_is_started(server: Server, client: redis.Redis):
    client.config_set("maxmemory", 1)
    with pytest.raises(Unavailable, match="memory is full"):
        server.start(ASKED)


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"chain": 1}', "\x00"])
def test_what_the_desk_has_not_written_is_no_job_and_no_answer(server: Server, client: redis.Redis, junk: str):
    key = server.asked(ASKED).key
    for name in ("now", "end", f"answer:{key}"):
        client.set(f"gradviz:paths:{name}", junk)
    assert server.state() == "none"
    assert server.result(key) is None


def test_an_answer_that_holds_no_paths_is_not_kept(server: Server, desk: PathsDesk, at_home: dict[str, bytes]):
    key = server.asked(ASKED).key
    [content] = at_home.values()
    for other in (b"", b"torn", content[:-8], content[:8] + b"{" * 64 + content[72:]):
        desk.leave_answer(key, other)
        assert desk.answer(key) == other
        assert server.result(key) is None
        assert not any((server.cache / LAYOUT).glob("*"))
    desk.leave_answer(key, content)
    assert server.result(key) is not None


def test_a_job_waits_for_another_process_that_computes_the_same(
    server: Server, alone: Settings, desk: PathsDesk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(paths_stretch, "SHARE_OF_LIMIT", 0.0)
    server.start(ASKED)
    order = server.order()
    with paths_module.Alone(alone.cache_dir / LAYOUT).of(order.key, lambda: True):
        assert compute_stretch(order, RunStore(alone.runs), alone, desk) is Then.NEXT
    job = server.job()
    assert job is not None
    assert (job.state, job.what) == ("running", WAITS)
    done_by(alone, desk, order.model_copy(update={"number": 1}))
    assert server.asked(ASKED).is_known


ORDERS = {
    "an unknown field": {"command": "ls"},
    "a key that is a path": {"key": "../../etc/passwd"},
    "a chain that is a pattern": {"chain": "*"},
    "replicas without end": {"request": {"run": "none", "epoch": 1, "replicas": 10**9}},
    "a run that is a path": {"request": {"run": "../../etc", "epoch": 1}},
    "no request": {"request": None},
}


def test_a_stranger_s_message_is_refused_and_the_next_is_done(
    server: Server, alone: Settings, at_home: dict[str, bytes], caplog: pytest.LogCaptureFixture
):
    server.start(ASKED)
    good = server.order().model_dump(mode="json")
    server.runner._paths.withdraw()
    for change in ORDERS.values():
        server.runner._app.send_task(TAKE_PATHS, (good | change,), queue=PATHS)
    server.runner._app.send_task(TAKE_PATHS, (good,), queue=PATHS)
    with worker_of(alone, PATHS):
        until(lambda: server.state() == "finished")
    assert caplog.text.count("Refused a message") == len(ORDERS)
    assert server.asked(ASKED).is_known
    assert server.content() == at_home
