"""What is refused: messages that no server of ours has sent, and brokers that are not safe."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gradviz.cli import main
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.celery.desk import BrokerAway
from gradviz.compute.celery.envelope import ANSWER
from gradviz.compute.celery.messages import code_version
from gradviz.errors import UserError
from tests.compute.celery.conftest import MakeSettings, client_of, environment_of, question
from tests.compute.celery.in_thread import worker_of
from tests.compute.celery.running import NOTED, Notes, RedisServer, Worker, free_port, until
from tests.compute.celery.test_queue import envelope

BOOBY_TRAP = "cos\nsystem\n(S'touch {path}'\ntR."


def work(**changes: object) -> dict[str, object]:
    asked = question(NOTED)
    return {"code": code_version(), "keys": ["0" * 40], "questions": [asked.model_dump(mode="json")]} | changes


WORK = {
    "an unknown field": lambda: work(command="ls"),
    "an unknown kind": lambda: work(questions=[{"kind": "shell"}]),
    "a key that is a path": lambda: work(keys=["../../etc/passwd"]),
    "more keys than questions": lambda: work(keys=["0" * 40, "1" * 40]),
    "a grid without end": lambda: work(questions=[_large()]),
    "no work": list,
}


def _large() -> dict[str, object]:
    values = question().model_dump(mode="json")
    values["request"]["points"] = 10**9 + 1
    return values


def test_work_that_says_something_else_is_dropped_and_the_next_is_answered(
    compute: CeleryCompute, worker: Worker, notes: Notes
):
    for make in WORK.values():
        compute.app.send_task(ANSWER, (make(),), queue="interactive")
    assert compute.ask(question(NOTED))
    assert worker.process.poll() is None
    until(lambda: compute.load() == compute.load().__class__(0, 0, 0))


def test_a_pickle_is_never_read(compute: CeleryCompute, worker: Worker, tmp_path: Path):
    trap = tmp_path / "sprung"
    pickled = BOOBY_TRAP.format(path=trap).encode()
    for content_type in ("application/x-python-serialize", "application/json"):
        message = envelope(pickled) | {"content-type": content_type}
        compute.desk.redis.lpush("gradviz:interactive", json.dumps(message))
    assert compute.ask(question())
    assert worker.process.poll() is None
    assert not trap.exists()


def test_answers_that_are_no_answers_are_asked_for_again(compute: CeleryCompute, worker: Worker):
    asked = question()
    key = asked.key(compute.store)
    compute.desk.redis.set(f"gradviz:answer:{key}", b"torn", ex=1)
    assert compute.ask(asked)
    assert worker.process.poll() is None


@pytest.mark.parametrize(
    ("broker", "said"),
    [
        ("redis://:secret-1@broker.example:6379/0", "broker.example:6379 is not on this machine and has no TLS"),
        ("rediss://broker.example:6379/0", "has no password"),
        ("rediss://:secret-1@10.0.0.7:6379/0?ssl_cert_reqs=none", "'ssl_cert_reqs' is unknown"),
        ("amqp://127.0.0.1", "must be redis://"),
        ("redis://", "must be redis://"),
        ("redis://127.0.0.1:port/0", "must be redis://"),
    ],
)
def test_a_broker_in_the_open_is_refused_with_the_remedy(make_settings: MakeSettings, broker: str, said: str):
    with pytest.raises(UserError, match=said) as refusal:
        broker_of(make_settings(broker=broker))
    assert "secret-1" not in str(refusal.value)
    assert "GRADVIZ_BROKER" in str(refusal.value)


@pytest.mark.parametrize("visibility", [3, 4])
def test_a_visibility_timeout_below_the_time_limit_is_refused(make_settings: MakeSettings, visibility: int):
    with pytest.raises(UserError, match="GRADVIZ_VISIBILITY_SECONDS must be above"):
        broker_of(make_settings(visibility_seconds=visibility, task_seconds=4))


def test_a_refusal_ends_the_worker_with_one_line(make_settings: MakeSettings, notes: Notes):
    settings = make_settings(broker="redis://:secret-1@broker.example:6379/0")
    done = subprocess.run(
        [sys.executable, "-m", "gradviz", "worker"],
        env=environment_of(settings, notes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("gradviz: error: GRADVIZ_BROKER")
    assert done.stderr.count("\n") == 1
    assert "secret-1" not in done.stderr + done.stdout


@pytest.mark.parametrize("queues", ["interactive,interactive", "fast", "batch=0", "batch=999", "batch="])
def test_unknown_queues_are_refused(queues: str, capsys: pytest.CaptureFixture[str]):
    assert main(["worker", "--queues", queues]) == 2
    assert "interactive,batch,training" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_worker_without_the_gpu_that_it_is_to_use_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("GRADVIZ_DEVICE", "cuda")
    assert main(["worker"]) == 2
    assert "torch finds no CUDA device here" in capsys.readouterr().err


@pytest.fixture
def guarded_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, ("--requirepass", "right-one"), password="right-one").start()
    yield server
    server.kill()


def test_a_wrong_password_is_told(make_settings: MakeSettings, guarded_redis: RedisServer):
    for broker in (guarded_redis.url, guarded_redis.url.replace("//", "//:wrong-one@")):
        with pytest.raises(UserError, match="refuses this user or password") as refusal:
            client_of(make_settings(broker=broker)).submit([question()])
        assert "wrong-one" not in str(refusal.value)
    right = client_of(make_settings(broker=guarded_redis.url.replace("//", "//:right-one@")))
    right.submit([question()])
    assert right.load().waiting_interactive == 1


@pytest.fixture
def tls_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A broker with TLS alone, its certificate signed by an authority of its own."""
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 1 -subj /CN=authority",
        "req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=localhost -addext "
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out redis.pem -days 1 -copy_extensions copy",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    files = {name: str(tmp_path / name) for name in ("ca.pem", "redis.pem", "redis.key")}
    port = free_port()
    options = ("--port", "0", "--tls-port", str(port), "--tls-cert-file", files["redis.pem"], "--tls-key-file")
    options += (files["redis.key"], "--tls-ca-cert-file", files["ca.pem"], "--tls-auth-clients", "no")
    server = RedisServer(tmp_path, (*options, "--requirepass", "right-one"), port=port).start()
    yield server
    server.kill()


def test_tls_is_spoken_and_plain_clients_are_not_heard(
    make_settings: MakeSettings, tls_redis: RedisServer, tmp_path: Path
):
    safe = f"rediss://:right-one@localhost:{tls_redis.port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}"
    with worker_of(make_settings(broker=safe)):
        compute = client_of(make_settings(broker=safe))
        until(lambda: compute.desk.has_worker("interactive"))
        assert compute.ask(question())
    with pytest.raises(BrokerAway):
        client_of(make_settings(broker=tls_redis.url.replace("//", "//:right-one@"))).submit([question()])
    with pytest.raises(BrokerAway):  # an authority that nobody knows
        client_of(make_settings(broker=safe.partition("?")[0])).submit([question()])
