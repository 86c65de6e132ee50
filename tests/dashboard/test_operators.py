"""What operators see of the server: a line in the log for each request, figures at /metrics, readiness at /readyz."""

import logging
import shutil
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_metrics
from prometheus_client.registry import Collector

from gradviz.compute.cache import FieldCache
from gradviz.compute.interface import Cancelled, Load, Priority, Ticket, Unavailable
from gradviz.compute.kinds import ActivityQuestion
from gradviz.compute.trainer import RunProgress, TrainerStatus
from gradviz.compute.turns import Turns
from gradviz.dashboard import readiness
from gradviz.dashboard.factory import create_server
from gradviz.dashboard.metrics import Metrics, Now
from gradviz.dashboard.readiness import Prompt, checks
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

FIELD = "/api/v1/landscape?variant=none&epoch=1&x=hidden.1.linear.bias[0]&y=hidden.1.linear.bias[1]"
FRAMES = FIELD.replace("landscape", "frames")


@pytest.fixture
def counted(tiny_runs: Path, tmp_path: Path) -> FlaskClient:
    return create_server(
        Settings(runs=tiny_runs, cache_dir=tmp_path / "cache", metrics=True, device="cpu")
    ).test_client()


def facts(caplog: pytest.LogCaptureFixture) -> list[dict]:
    return [vars(record)["facts"] for record in caplog.records if record.name == "gradviz.dashboard.access"]


def figures(client: FlaskClient) -> dict[str, float]:
    text = client.get("/metrics").get_data(as_text=True)
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in plain_metrics(text)
        for sample in family.samples
    }


def test_each_request_has_one_line_with_its_id_key_and_time(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = client.get(FIELD, headers={"X-Request-ID": "from-the-proxy.1"}, buffered=True)
    [line] = facts(caplog)
    assert answer.headers["X-Request-ID"] == line["request"] == "from-the-proxy.1"
    assert line["key"] in answer.headers["Content-Location"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/landscape", 200)
    assert line["seconds"] > 0


def test_the_line_of_a_stream_is_written_when_it_has_ended(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = client.get(FRAMES)
    assert facts(caplog) == []
    assert answer.get_data()
    answer.close()
    [line] = facts(caplog)
    assert (line["path"], line["frames"]) == ("/api/v1/frames", 3)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", '"; DROP'])
def test_an_id_that_is_none_is_replaced(client: FlaskClient, given: str) -> None:
    ids = {client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


def test_an_address_cannot_write_lines_of_its_own(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.get("/api/v1/x%0aWARNING%20forged", buffered=True)
    [line] = facts(caplog)
    assert line["path"] == "/api/v1/x%0AWARNING%20forged"
    assert line["status"] == 404


def test_metrics_are_off_unless_enabled(client: FlaskClient) -> None:
    # Dash answers unknown addresses with its page
    assert "gradviz_request" not in client.get("/metrics").get_data(as_text=True)


def test_metrics_count_requests_by_route_and_the_cache(counted: FlaskClient) -> None:
    for _ in range(3):
        counted.get(FIELD, buffered=True)
    counted.get("/api/v1/landscape?epoch=x", buffered=True)
    counted.get("/api/v1/runs/none", buffered=True)
    counted.get("/api/v1/runs/dropout", buffered=True)
    now = figures(counted)
    assert now["gradviz_request_seconds_count['/api/v1/landscape', '200', 'GET']"] == 3
    assert now["gradviz_request_seconds_count['/api/v1/landscape', '422', 'GET']"] == 1
    assert now["gradviz_request_seconds_count['/api/v1/runs/<run>', '200', 'GET']"] == 2
    assert now["gradviz_cache_lookups_total['miss']"] == 1
    assert now["gradviz_cache_lookups_total['hit']"] == 2
    assert now["gradviz_requests_under_way[]"] == 1  # this one
    assert now["gradviz_epoch['none', 'none']"] == 2
    assert now["gradviz_training[]"] == 0


def test_time_of_a_request_is_all_of_it(counted: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    counted.get(FRAMES, buffered=True)
    [line] = facts(caplog)
    measured = figures(counted)["gradviz_request_seconds_sum['/api/v1/frames', '200', 'GET']"]
    assert measured == pytest.approx(line["seconds"], abs=1e-6)


def test_unknown_addresses_make_no_more_figures(counted: FlaskClient) -> None:
    for k in range(3):
        counted.get(f"/api/v1/none-{k}", buffered=True)
        counted.open(f"/api/v1/none-{k}", method="DELETE", buffered=True)
    names = [name for name in figures(counted) if name.startswith("gradviz_request_seconds_count")]
    assert len(names) <= 3


def test_metrics_are_what_prometheus_reads(counted: FlaskClient) -> None:
    answer = counted.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.mimetype == "application/openmetrics-text"
    names = {family.name for family in open_metrics(answer.get_data(as_text=True))}
    assert {"gradviz_request_seconds", "gradviz_cache_lookups", "gradviz_epoch", "gradviz_training"} <= names


def test_metrics_tell_a_training_under_way(make_app, tiny_runs: Path, trainer) -> None:
    trainer.status_now = TrainerStatus("running", None, (RunProgress("none", 7, 30),), "")
    now = figures(make_app(tiny_runs, metrics=True).server.test_client())
    assert (now["gradviz_training[]"], now["gradviz_epoch['none', 'none']"]) == (1, 7)


def test_metrics_follow_what_waits_and_runs() -> None:
    metrics = Metrics()
    turns = Turns(4, metrics.set_load)
    question = ActivityQuestion(run="none", epoch=0)
    still_wanted = threading.Event()
    still_wanted.set()

    def wait(priority: Priority, seen: threading.Event) -> None:
        def look() -> bool:
            seen.set()
            return still_wanted.is_set()

        with pytest.raises(Cancelled):
            turns.run(Ticket("b", question, priority, ()), bytes, look)

    def while_it_runs() -> bytes:
        others = []
        for priority in ("interactive", "sweep", "sweep"):
            seen = threading.Event()
            others.append(threading.Thread(target=wait, args=(priority, seen)))
            others[-1].start()
            assert seen.wait(60)  # it is in the queue
        assert read(*metrics.here) == {"waiting interactive": 1, "waiting sweep": 2, "running": 1}
        still_wanted.clear()
        for other in others:
            other.join(60)
        assert read(*metrics.here) == {"waiting interactive": 0, "waiting sweep": 0, "running": 1}
        return b""

    turns.run(Ticket("a", question, "interactive", ()), while_it_runs)
    assert read(*metrics.here) == {"waiting interactive": 0, "waiting sweep": 0, "running": 0}


def read(*collectors: Collector) -> dict[str, float]:
    """The figures of computations."""
    samples = [sample for collector in collectors for family in collector.collect() for sample in family.samples]
    return {
        " ".join([sample.name.rpartition("_")[2], *sample.labels.values()]): sample.value
        for sample in samples
        if "computations" in sample.name or "broker" in sample.name
    }


class Elsewhere:
    """Computing on other machines, as busy as it is told to be."""

    def __init__(self, load: Load) -> None:
        self.now = load

    def load(self) -> Load:
        return self.now


def test_metrics_go_on_while_the_training_cannot_be_asked_for(
    trainer, tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> TrainerStatus:
        raise Unavailable("The broker cannot be reached.")

    monkeypatch.setattr(trainer, "status", away)
    compute: Any = Elsewhere(Load(0, 0, 0, reachable=False))
    names = {family.name for family in Now(trainer, compute, tiny_store).collect()}
    assert "gradviz_broker_reachable" in names
    assert "gradviz_training" not in names


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (Load(3, 2, 1), {"reachable": 1, "waiting interactive": 3, "waiting sweep": 2, "running": 1}),
        (Load(0, 0, 0, reachable=False), {"reachable": 0}),
    ],
    ids=["busy", "away"],
)
def test_metrics_and_readiness_ask_who_computes_elsewhere(
    load: Load, told: dict[str, float], trainer, tiny_store: RunStore
) -> None:
    compute: Any = Elsewhere(load)
    assert read(Now(trainer, compute, tiny_store)) == told
    found = checks(tiny_store, compute)["compute"]()
    assert bool(found) is not load.reachable


def test_ready_server_says_so(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"ready": True, "checks": {"runs": "ok", "cache": "ok", "compute": "ok"}}
    assert client.get("/healthz").get_data() == b"OK"


def test_server_before_its_first_training_is_ready(make_app, tmp_path: Path) -> None:
    assert make_app(tmp_path / "runs").server.test_client().get("/readyz").status_code == 200


def test_server_without_its_runs_or_its_cache_is_not_ready_and_tells_no_path(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    server = create_server(Settings(runs=gone / "runs", cache_dir=gone / "cache"))
    shutil.rmtree(gone)
    answer = server.test_client().get("/readyz")
    assert answer.status_code == 503
    told = answer.get_json()
    assert told["ready"] is False
    assert told["checks"].pop("compute") == "ok"
    assert len(told["checks"]) == 2
    assert all("cannot be" in sentence for sentence in told["checks"].values())
    assert str(tmp_path) not in answer.get_data(as_text=True)
    assert server.test_client().get("/healthz").status_code == 200


def test_cache_tells_whether_each_answer_was_there(tmp_path: Path) -> None:
    seen: list[bool] = []
    with FieldCache(tmp_path, on_lookup=seen.append) as cache:
        for key in ("a", "a", "b", "a"):
            cache.once(key, lambda: b"answer")
    assert seen == [False, True, False, True]


def test_a_check_that_takes_long_is_told_by_what_it_found_last_and_then_as_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: SimpleQueue[str | OSError] = SimpleQueue()

    def check() -> str:
        one = found.get()
        if isinstance(one, OSError):
            raise one
        return one

    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 60.0)
    prompt = Prompt(check, "stuck")
    found.put("full")
    assert prompt() == "full"
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.01)
    assert prompt() == "full"  # the next one is under way
    monkeypatch.setattr(readiness, "STALE_SECONDS", 0.0)
    assert prompt() == "stuck"
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 60.0)
    found.put(OSError("no such disk"))
    with pytest.raises(OSError, match="no such disk"):
        prompt()
    found.put("")
    assert prompt() == ""


@pytest.mark.parametrize("part", ["runs", "cache"])
def test_readiness_tries_what_answering_needs(
    part: str, make_app, tiny_runs: Path, tmp_path: Path, monkeypatch
) -> None:
    client = make_app(tiny_runs).server.test_client()
    assert client.get("/readyz").get_json()["ready"] is True
    if part == "cache":
        locks = next(tmp_path.rglob("locks"))
        shutil.rmtree(locks)
        locks.write_text("no directory")
    else:

        def refuse(path: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("gradviz.dashboard.readiness.os.scandir", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "cannot be" in answer.get_json()["checks"][part]
    others = {name: told for name, told in answer.get_json()["checks"].items() if name != part}
    assert set(others.values()) == {"ok"}
    monkeypatch.undo()
    assert client.get(FIELD).status_code == 200
