"""Supervises the web server: waits for its start, restarts it when it dies, ends it with the supervisor."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from gradviz.commands.listening import reachable_host, url
from gradviz.commands.pacing import Pacing
from gradviz.commands.running_on import say
from gradviz.commands.web_server import GRACEFUL_SECONDS, arguments
from gradviz.settings import Settings, as_environment
from gradviz.threads import share_memory, wait_asleep

_READY_SECONDS = 180.0  # a slow machine may take long to import torch
_READY_POLL_SECONDS = 0.1
_PROBE_SECONDS = 2.0


class SupervisedWeb:
    """`start` returns a new web server process; `process` is the current one. `clock`: seconds that only grow."""

    def __init__(
        self, start: Callable[[], subprocess.Popen[bytes]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._start, self._clock = start, clock
        self._pacing = Pacing(clock)
        self._start_at: float | None = None
        self.process = start()

    def watch(self) -> None:
        """Restarts it when it has ended, after a pause if it ends often; call this regularly."""
        if self._start_at is None and self.process.poll() is not None:
            pause = self._pacing.pause()
            self._start_at = self._clock() + pause
            say(
                f"the web server ended (status {self.process.returncode}); restarting it"
                + (f" in {pause:.0f} s." if pause else ".")
            )
        if self._start_at is not None and self._clock() >= self._start_at:
            self._start_at = None
            self._pacing.starts()
            self.process = self._start()

    def wait_until_ready(
        self, answers: Callable[[], bool], stop: threading.Event, seconds: float = _READY_SECONDS
    ) -> Literal["ready", "stop", "ended", "late"]:
        """Waits until it answers, a stop is requested, it ends by itself, or `seconds` have passed.

        Meanwhile it restarts one that was killed; one that ends by itself would end again.
        """
        deadline = self._clock() + seconds
        while not stop.wait(_READY_POLL_SECONDS):
            status = self.process.poll()
            if status is not None and status >= 0:
                return "ended"
            self.watch()
            if answers():
                return "ready"
            if self._clock() >= deadline:
                return "late"
        return "stop"

    def end(self) -> None:
        """Waits for the requested end, and kills it if that takes too long."""
        try:
            self.process.wait(GRACEFUL_SECONDS + 3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_web(settings: Settings, listener: socket.socket, figures: Path) -> subprocess.Popen[bytes]:
    """`figures`: a directory in which the server's processes share their metrics."""
    descriptor = listener.fileno()
    environment = os.environ | as_environment(settings)
    wait_asleep(environment)
    share_memory(environment)
    if settings.metrics:
        # A new directory for each server, because the requests of an earlier one are over.
        environment["PROMETHEUS_MULTIPROC_DIR"] = mkdtemp(dir=figures)
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gradviz.commands.web_server",
            str(os.getpid()),
            *arguments(descriptor, settings),
        ],
        env=environment,
        pass_fds=[descriptor],
        start_new_session=True,  # Ctrl-C reaches this process, which ends the others in order
    )


def answers(settings: Settings) -> bool:
    """Whether the page's server answers at its address."""
    connection = http.client.HTTPConnection(reachable_host(settings.host), settings.port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def why_not_ready(settings: Settings, web: SupervisedWeb, how: str) -> str:
    """One sentence for the terminal."""
    if how == "late":
        address = url(settings.host, settings.port)
        return (
            f"the web server did not answer {address}/healthz within {_READY_SECONDS:.0f} s: "
            "see its messages above, or retry when this machine is less busy."
        )
    return f"the web server failed (status {web.process.poll()}); see its messages above."
