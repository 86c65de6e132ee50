"""What the tests run: a redis-server and workers, each in a process group of its own that a test may kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import redis

CHILD = Path(__file__).with_name("worker_child.py")
WAITS, KILLS, HANGS, NOTED = 10_000, 20_000, 30_000, 40_000
"""Seeds from each on, a thousand of them: what a worker of the tests does with such a landscape before it answers."""

PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.01


def until(met: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for a condition of other processes, which nothing else tells of; fails when it is not met in time."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"not met within {seconds} s"
        time.sleep(_POLL_SECONDS)


def brief_limits() -> dict[str, int]:
    """A time limit of tasks and a visibility timeout that tests can wait for, longer where this machine is busy."""
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    return {"task_seconds": round(4 * busy), "visibility_seconds": round(5 * busy) + 1}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass
class RedisServer:
    """A redis-server on loopback; `options` are its own. Keeps its data, if it keeps any, in `directory`."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password or None)

    @contextmanager
    def database(self, number: int) -> Iterator[redis.Redis]:
        """A client of a database that nothing else uses: empty at the beginning and at the end, with room."""
        with redis.Redis(port=self.port, db=number) as client:
            client.flushdb()
            yield client
            client.config_set("maxmemory", 0)
            client.flushdb()

    def start(self) -> "RedisServer":
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), "--save", "")
        command = ["redis-server", *where, "--maxmemory-policy", "noeviction", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers)
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass
class Worker:
    """A worker of the tests, see `worker_child.py`."""

    environment: Mapping[str, str]
    queue: str = "interactive"
    supervised: bool = False

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), *(["supervised"] if self.supervised else []), self.queue],
            env=os.environ | dict(self.environment) | {"PYTHONPATH": str(Path(__file__).parents[3])},
            start_new_session=True,
            cwd=Path(__file__).parents[3],
        )

    def tell(self, number: signal.Signals) -> None:
        """A signal to the worker and all its processes."""
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.tell(signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Notes:
    """What the workers of the tests have left in their directory, and what they wait for there."""

    directory: Path

    def starts(self, seed: int) -> list[int]:
        """The process of each start of the landscape with this seed."""
        return [int(path.name.split("-")[2]) for path in self.directory.glob(f"started-{seed}-*")]

    def started(self, seed: int, times: int = 1, seconds: float = PATIENCE_SECONDS) -> list[int]:
        """Waits until it has been started so often."""
        until(lambda: len(self.starts(seed)) >= times, seconds)
        return self.starts(seed)

    def go(self, seed: int) -> None:
        (self.directory / f"go-{seed}").touch()

    def ready(self, worker: Worker) -> None:
        """Waits until a worker has a process that computes."""
        until((self.directory / f"ready-{worker.process.pid}").exists)

    def saves(self, epoch: str) -> list[int]:
        """The process of each time that an epoch was saved; `none-3` is the third of variant none."""
        return [int(path.name.split("-")[3]) for path in self.directory.glob(f"saved-{epoch}-*")]

    def saved(self, epoch: str) -> int:
        """Waits until an epoch is saved; the process that did it."""
        until(lambda: self.saves(epoch))
        return self.saves(epoch)[-1]

    def takes(self, what: str) -> list[int]:
        """The process of each time that a replica was begun; `order.2.of.3`."""
        return [int(path.name.split("-")[2]) for path in self.directory.glob(f"took-{what}-*")]

    def took(self, what: str) -> int:
        """Waits until a replica is begun; the process that did it."""
        until(lambda: self.takes(what))
        return self.takes(what)[-1]

    def put_off(self) -> bool:
        """Whether a worker has found a run locked by another trainer."""
        return any(self.directory.glob("put-off-*"))

    def hold(self, epoch: str) -> None:
        """Whoever saves this epoch, or begins this replica, waits from now on until `release`; `within-none-3`: before
        it is saved."""
        (self.directory / f"hold-{epoch}").touch()

    def release(self, epoch: str) -> None:
        (self.directory / f"hold-{epoch}").unlink()


class OfOneBroker:
    """Tests of what there is one of for a broker: a broker of their own, and workers that they start and end."""

    broker: RedisServer
    workers: list[Worker]

    def prepare(self) -> None:
        """As if nobody had asked for anything yet."""
        raise NotImplementedError

    def start_worker(self) -> Worker:
        raise NotImplementedError

    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.process.poll() is None]

    def begin_with_one_worker(self) -> Self:
        for worker in self.living()[1:]:
            worker.end()
        self.prepare()
        if not self.living():
            self.start_worker()
        return self

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
        self.broker.kill()
