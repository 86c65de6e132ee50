"""What the supervisor does about its web server, and about what killed processes leave behind; no server is started."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gradviz.commands.pacing import Pacing
from gradviz.commands.scratch import scratch_directory
from gradviz.commands.supervised_web import SupervisedWeb, answers, start_web, why_not_ready
from gradviz.settings import Settings
from tests.cli.conftest import Clock


@dataclass
class Process:
    """In place of a process: its `returncode` is None until the test says otherwise."""

    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


@dataclass
class Starts:
    """Gives processes that end with `status` at once, by default not at all."""

    clock: Clock
    status: int | None = None
    at: list[float] = field(default_factory=list)

    def __call__(self) -> Any:
        self.at.append(self.clock.now)
        return Process(self.status)


class Never(threading.Event):
    """A stop that is not asked for; each look takes a tenth of a second of the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += 0.1
        return self.is_set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def starts(clock: Clock) -> Starts:
    return Starts(clock)


@pytest.fixture
def web(starts: Starts, clock: Clock) -> SupervisedWeb:
    return SupervisedWeb(starts, clock=clock)


def end(web: SupervisedWeb, status: int) -> None:
    process: Any = web.process
    process.returncode = status


def test_a_web_server_may_be_killed_any_number_of_times(web: SupervisedWeb, starts: Starts, clock: Clock):
    for _ in range(50):
        clock.now += 25
        end(web, -signal.SIGKILL)
        web.watch()
        assert starts.at[-1] == clock.now
    assert len(starts.at) == 51


def test_one_that_ends_at_once_is_started_after_pauses_up_to_a_minute(
    web: SupervisedWeb, starts: Starts, clock: Clock, capsys: pytest.CaptureFixture[str]
):
    starts.status = 3
    end(web, 3)
    while clock.now < 2000:
        web.watch()
        clock.now += 0.5
    pauses = [after - before for before, after in zip(starts.at[1:], starts.at[2:], strict=False)]
    assert sum(pause <= 0.5 for pause in pauses) == 2
    assert sorted(pauses) == pauses
    assert all(60 <= pause <= 61 for pause in pauses[-10:])
    assert capsys.readouterr().err.count("restarting it") == len(starts.at)


def test_three_ends_a_minute_are_no_reason_to_wait_and_thirty_are():
    for seconds, waits in ((20, False), (2, True)):
        clock = Clock()
        pacing = Pacing(clock)
        pauses = []
        for _ in range(100):
            clock.now += seconds
            pauses.append(pacing.pause())
            clock.now += pauses[-1]
            pacing.starts()
        assert any(pauses) is waits
        assert pauses[:3] == [0, 0, 0]
        assert max(pauses) == (60 if waits else 0)


def test_waiting_for_an_answer_has_an_end_and_says_what_was_waited_for(web: SupervisedWeb, clock: Clock):
    assert web.wait_until_ready(lambda: False, Never(clock), 180) == "late"
    assert 180 <= clock.now - 1000 <= 181
    assert "did not answer http://127.0.0.1:8050/healthz within 180 s" in why_not_ready(Settings(), web, "late")


@pytest.mark.parametrize(
    ("status", "how", "num_starts"),
    [(None, "ready", 1), (3, "ended", 1), (0, "ended", 1), (-signal.SIGKILL, "ready", 2)],
)
def test_a_start_that_ends_by_itself_is_given_up_and_one_that_was_killed_is_not(
    web: SupervisedWeb, starts: Starts, clock: Clock, status: int | None, how: str, num_starts: int
):
    looks = iter(range(100))
    if status is not None:
        end(web, status)
    assert web.wait_until_ready(lambda: next(looks) > 3, Never(clock)) == how
    assert len(starts.at) == num_starts


def test_a_stop_while_waiting_is_heard_at_once(web: SupervisedWeb, clock: Clock):
    stop = Never(clock)

    def answers() -> bool:
        stop.set()
        return False

    assert web.wait_until_ready(answers, stop) == "stop"
    assert clock.now < 1001


def test_an_address_where_nobody_answers_or_where_one_hangs_is_not_ready(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gradviz.commands.supervised_web._PROBE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says a word
        settings = Settings(port=silent.getsockname()[1])
        assert not answers(settings)
    assert not answers(settings)


@pytest.mark.parametrize("own", ["", "7"], ids=["by default", "by the user"])
def test_the_threads_of_a_server_share_their_memory(own: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    given: list[Any] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: given.append(options["env"]))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if own:
        monkeypatch.setenv("MALLOC_ARENA_MAX", own)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start_web(Settings(), listener, tmp_path)
    assert given[0]["MALLOC_ARENA_MAX"] == (own or "2")
    assert given[0]["OMP_WAIT_POLICY"] == os.environ.get("OMP_WAIT_POLICY", "passive")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_directory_is_ours_alone_and_gone_at_the_end(temporary: Path):
    with scratch_directory("gradviz-x-") as path:
        assert path.parent == temporary
        assert path.stat().st_mode & 0o077 == 0
        (path / "file").write_text("1")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_a_living_one_has_is_not(temporary: Path):
    program = (
        "from gradviz.commands.scratch import scratch_directory\n"
        "with scratch_directory('gradviz-x-') as path:\n"
        "    (path / 'file').write_text('1'); print(path, flush=True); input()"
    )
    started: Callable[[], subprocess.Popen[str]] = lambda: subprocess.Popen(  # noqa: E731
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    with started() as killed, started() as living:
        assert killed.stdout is not None
        assert living.stdout is not None
        left, held = (Path(each.stdout.readline().strip()) for each in (killed, living))  # pyright: ignore
        killed.kill()
        killed.wait(60)
        assert left.exists()
        with scratch_directory("gradviz-x-") as path:
            assert {path, held} == set(temporary.iterdir())
        living.communicate("\n", timeout=60)
    assert list(temporary.iterdir()) == []


def test_what_is_not_a_directory_of_ours_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch):
    target = temporary / "target"
    target.mkdir()
    (target / "precious").write_text("1")
    (temporary / "gradviz-x-link").symlink_to(target)
    (temporary / "gradviz-x-file").write_text("1")
    os.mkfifo(temporary / "gradviz-x-fifo")
    strangers = temporary / "gradviz-x-strangers"
    strangers.mkdir()
    os.chown(strangers, 4242, -1) if os.getuid() == 0 else monkeypatch.setattr(os, "getuid", lambda: -1)
    before = set(temporary.rglob("*"))
    with scratch_directory("gradviz-x-"):
        pass
    assert set(temporary.rglob("*")) == before


def test_a_lock_that_is_held_protects_a_directory(temporary: Path):
    held = temporary / "gradviz-x-held"
    held.mkdir()
    descriptor = os.open(held, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with scratch_directory("gradviz-x-"):
            assert held.exists()
    finally:
        os.close(descriptor)
    with scratch_directory("gradviz-x-"):
        assert not held.exists()


def test_the_web_server_is_bound_to_its_supervisor_before_it_imports_what_takes_long():
    # Else a server whose supervisor is killed at its start holds the port while it imports.
    program = (
        "import sys; import gradviz.commands.web_server; "
        "print([name for name in ('gunicorn', 'pydantic', 'torch') if name in sys.modules])"
    )
    told = subprocess.check_output([sys.executable, "-c", program], text=True, timeout=120)
    assert told == "[]\n"
