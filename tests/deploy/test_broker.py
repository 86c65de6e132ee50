"""The broker as it is shipped: deploy/redis.conf and deploy/secrets, in a real redis-server on loopback."""

import shlex
import signal
import ssl
import stat
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from tests.deploy.conftest import ROOT, SERVICES, Broker, make_secrets

pytestmark = pytest.mark.redis
ONCE = Retry(NoBackoff(), 0)
PAUSE = threading.Event()  # never set: between two looks at a file


def connect(broker: Broker, user: str, password: str, **options: object) -> redis.Redis:
    tls = {"ssl": True, "ssl_ca_certs": str(broker.secrets / "ca.crt"), "retry": ONCE, **options}
    return redis.Redis(host="localhost", port=broker.port, username=user, password=password, **tls)  # pyright: ignore[reportArgumentType]  (a mapping of options)


def user_of(broker: Broker) -> tuple[str, str]:
    parts = urlsplit((broker.secrets / "GRADVIZ_BROKER").read_text().strip())
    assert (parts.scheme, parts.hostname, parts.port) == ("rediss", "localhost", broker.port)
    assert parts.query == f"ssl_ca_certs={broker.secrets / 'ca.crt'}"
    return parts.username or "", parts.password or ""


def test_only_who_knows_the_password_and_speaks_tls_is_heard(broker: Broker):
    name, password = user_of(broker)
    with broker.running():
        with connect(broker, name, password) as client:
            assert client.ping()
        for wrong in (("default", ""), (name, "wrong"), ("", password), ("nobody", password)):
            with connect(broker, *wrong) as client, pytest.raises(redis.AuthenticationError):
                client.ping()
        with (
            connect(broker, name, password, ssl=False, ssl_ca_certs=None) as plain,
            pytest.raises(redis.ConnectionError),
        ):
            plain.ping()
        of_others = ssl.get_default_verify_paths().cafile
        with (
            connect(broker, name, password, ssl_ca_certs=of_others) as distrustful,
            pytest.raises(redis.ConnectionError),
        ):
            distrustful.ping()


def test_the_user_may_do_what_work_needs_and_nothing_that_harms(broker: Broker):
    name, password = user_of(broker)
    with broker.running(), connect(broker, name, password) as client, connect(broker, "health", "none") as health:
        client.lpush("queue", "work")
        assert client.brpop(["queue"], 1) == (b"queue", b"work")
        assert str(client.time()).count(",") == 1
        together = client.pipeline()
        together.set("a", 1)
        together.zadd("b", {"c": 1})
        assert together.execute() == [True, 1]
        assert client.info("memory")["maxmemory_policy"] == "noeviction"  # pyright: ignore[reportIndexIssue]  (not asynchronous)
        for command in ("FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "SAVE", "ACL LIST", "REPLICAOF a 1"):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command.split())
        assert health.ping()
        with pytest.raises(NoPermissionError):
            health.get("a")


def test_the_health_check_of_compose_tells_a_broker_from_none(broker: Broker):
    _, *words = SERVICES["redis"]["healthcheck"]["test"]
    check = [word.replace("/run/secrets/", f"{broker.secrets}/") for word in words]
    check[1:1] = ["-p", str(broker.port)]
    with broker.running():
        done = subprocess.run(check, capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout == "PONG\n"
    assert subprocess.run(check, capture_output=True, timeout=30, check=False).returncode != 0


def test_what_was_accepted_survives_a_killed_broker(broker: Broker):
    name, password = user_of(broker)
    with broker.running() as process, connect(broker, name, password) as client:
        client.lpush("kept", *map(str, range(100)))
        while int(client.info("persistence")["aof_pending_bio_fsync"]) or not aof_has(broker, b"kept"):  # pyright: ignore[reportIndexIssue]  (not asynchronous)
            PAUSE.wait(0.02)
        process.end(signal.SIGKILL)
    with broker.running(), connect(broker, name, password) as client:
        assert client.llen("kept") == 100


def aof_has(broker: Broker, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in broker.directory.glob("appendonlydir/*.aof"))


def test_a_full_broker_refuses_instead_of_dropping(broker: Broker):
    name, password = user_of(broker)
    full = [*broker.command, "--maxmemory", "3mb"]
    assert "noeviction" in (ROOT / "deploy" / "redis.conf").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Broker, "command", full)
        with broker.running(), connect(broker, name, password) as client:
            client.set("first", "kept")
            with pytest.raises(redis.OutOfMemoryError):
                fill(client)
            assert client.get("first") == b"kept"
            client.delete(*(f"large {number}" for number in range(100)))


def fill(client: redis.Redis) -> None:
    for number in range(100):
        client.set(f"large {number}", b" " * 100_000)


def test_secrets_are_only_their_owner_s_and_never_replaced(broker: Broker, tmp_path: Path):
    assert stat.S_IMODE(broker.secrets.stat().st_mode) == 0o700
    assert {path.name for path in broker.secrets.iterdir()} == {
        "ca.crt",
        "redis.crt",
        "redis.key",
        "users.acl",
        "GRADVIZ_BROKER",
        "GRADVIZ_PASSWORD",
    }
    _, password = user_of(broker)
    assert password not in (broker.secrets / "users.acl").read_text()
    with pytest.raises(subprocess.CalledProcessError):
        make_secrets(broker.secrets)
    make_secrets(tmp_path / "other")
    other = (tmp_path / "other" / "GRADVIZ_BROKER").read_text()
    assert other.endswith("@redis:6379/0?ssl_ca_certs=/run/secrets/ca.crt\n")
    assert password not in other
    assert (tmp_path / "other" / "GRADVIZ_PASSWORD").read_text() != (broker.secrets / "GRADVIZ_PASSWORD").read_text()


@pytest.mark.parametrize(
    ("host", "name"), [("10.0.0.7", "IP Address:10.0.0.7"), ("broker.internal:6400", "DNS:broker.internal")]
)
def test_the_certificate_names_the_broker(host: str, name: str, tmp_path: Path):
    make_secrets(tmp_path / "secrets", host)
    asked = shlex.split("openssl x509 -noout -ext subjectAltName -in redis.crt")
    assert name in subprocess.check_output(asked, cwd=tmp_path / "secrets", text=True)
    verified = shlex.split("openssl verify -CAfile ca.crt redis.crt")
    assert subprocess.check_output(verified, cwd=tmp_path / "secrets", text=True) == "redis.crt: OK\n"
