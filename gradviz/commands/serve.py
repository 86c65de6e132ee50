"""`gradviz serve`: the supervisor of two processes, the web server and the background trainer."""

import argparse
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading

from gradviz.commands.listening import is_loopback, listen, url
from gradviz.commands.running_on import say, stop_signals
from gradviz.commands.web_server import GRACEFUL_SECONDS, arguments
from gradviz.compute.cache import FieldCache
from gradviz.errors import UserError
from gradviz.settings import Settings, as_environment, load_settings
from gradviz.threads import wait_asleep

_TICK_SECONDS = 0.5
_READY_POLL_SECONDS = 0.1
_MAX_WEB_RESTARTS = 3


def run(options: argparse.Namespace) -> int:
    """Serves until Ctrl-C or SIGTERM, then ends both processes; 1 if the web server cannot be kept up."""
    settings = load_settings(runs=options.runs, host=options.host, port=options.port)
    with (
        listen(settings.host, settings.port) as listener,
        stop_signals() as stop,
        tempfile.TemporaryDirectory(prefix="gradviz-metrics-") as figures,
    ):
        _warn_of_strangers(settings)
        FieldCache(settings.cache_dir, settings.cache_bytes).close()  # a directory that cannot be used is said here
        return _supervise(settings, listener, figures, stop, trains=not (options.no_train or settings.read_only))


def _supervise(
    settings: Settings, listener: socket.socket, figures: str, stop: threading.Event, *, trains: bool
) -> int:
    """`figures`: a directory in which the server's processes add up what they count."""
    web = _start_web(settings, listener, figures)
    training = None
    restarts = 0
    try:
        from gradviz.commands.supervised_training import SupervisedTraining  # torch: while the web server starts

        if not _wait_until_ready(settings, web, stop):
            return 0 if stop.is_set() else _gave_up(web)
        print(f"gradviz: {url(settings.host, settings.port)}", flush=True)
        training = SupervisedTraining(settings, starts=trains)
        while not stop.wait(_TICK_SECONDS):
            if web.poll() is not None:
                if restarts == _MAX_WEB_RESTARTS:
                    return _gave_up(web)
                restarts += 1
                say(f"the web server has ended (status {web.returncode}) and is started again.")
                web = _start_web(settings, listener, figures)
            training.watch()
        return 0
    except UserError:
        stop.set()
        raise
    finally:
        # The trainer goes on where only the web server could not be kept up.
        web.terminate()
        if training is not None and stop.is_set() and not settings.read_only:
            training.stop()
        _end(web)


def _start_web(settings: Settings, listener: socket.socket, figures: str) -> subprocess.Popen[bytes]:
    descriptor = listener.fileno()
    environment = os.environ | as_environment(settings)
    wait_asleep(environment)
    if settings.metrics:
        # A directory of its own for each server: what an earlier one had under way is over.
        environment["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir=figures)
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
        start_new_session=True,  # Ctrl-C comes here, and is passed on in order
    )


def _end(web: subprocess.Popen[bytes]) -> None:
    try:
        web.wait(GRACEFUL_SECONDS + 3)
    except subprocess.TimeoutExpired:
        web.kill()
        web.wait()


def _wait_until_ready(settings: Settings, web: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    """Whether the server answers; False if it ends, or a stop is asked for, before it does."""
    while web.poll() is None and not stop.wait(_READY_POLL_SECONDS):
        if _answers(settings):
            return True
    return False


def _answers(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _warn_of_strangers(settings: Settings) -> None:
    is_open = not (settings.read_only or settings.password.get_secret_value())
    if is_open and not is_loopback(settings.host):
        say(
            f"whoever reaches {settings.host}:{settings.port} can start and stop the training: "
            "set GRADVIZ_PASSWORD, or GRADVIZ_READ_ONLY=1."
        )


def _gave_up(web: subprocess.Popen[bytes]) -> int:
    say(f"the web server cannot be kept up (status {web.poll()}); its last words are above.")
    return 1
