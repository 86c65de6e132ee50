"""`gradviz serve`: the supervisor of two processes, the web server and the background trainer."""

import argparse
import os
import socket
import threading
from functools import partial
from pathlib import Path

from gradviz.commands.listening import is_loopback, listen, url
from gradviz.commands.running_on import say, stop_signals
from gradviz.commands.scratch import scratch_directory
from gradviz.commands.supervised_web import SupervisedWeb, answers, start_web, why_not_ready
from gradviz.compute.cache import FieldCache
from gradviz.errors import UserError
from gradviz.logs import set_up_logging
from gradviz.settings import Settings, load_settings

_TICK_SECONDS = 0.5


def run(options: argparse.Namespace) -> int:
    """Serves until Ctrl-C or SIGTERM, then ends both processes; 1 if the web server never answers."""
    settings = load_settings(
        runs=options.runs,
        study=options.study,
        host=options.host,
        port=options.port,
        prefix=options.prefix,
        lessons=options.lessons,
    )
    with (
        listen(settings.host, settings.port) as listener,
        stop_signals() as stop,
        scratch_directory("gradviz-metrics-") as figures,
    ):
        _warn_of_strangers(settings)
        _check_places(settings)
        return _supervise(settings, listener, figures, stop, trains=not (options.no_train or settings.read_only))


def _supervise(
    settings: Settings, listener: socket.socket, figures: Path, stop: threading.Event, *, trains: bool
) -> int:
    set_up_logging(settings)
    web = SupervisedWeb(partial(start_web, settings, listener, figures))
    training = None
    try:
        from gradviz.commands.supervised_training import SupervisedTraining  # torch: while the web server starts

        how = web.wait_until_ready(partial(answers, settings), stop)
        if how != "ready":
            if how != "stop":
                say(why_not_ready(settings, web, how))
            return int(how != "stop")
        below = f"{settings.prefix}/" if settings.prefix else ""
        print(f"gradviz: {url(settings.host, settings.port)}{below}", flush=True)
        training = SupervisedTraining(settings, starts=trains)
        while not stop.wait(_TICK_SECONDS):
            web.watch()
            training.watch()
        return 0
    finally:
        web.process.terminate()
        if training is not None and stop.is_set() and not settings.read_only:
            training.stop()
            if settings.compute == "local":  # workers outlive the server
                _stop_paths(settings)
        web.end()


def _stop_paths(settings: Settings) -> None:
    from gradviz.compute.paths_process import end_job  # torch, as above

    try:
        end_job(settings.cache_dir)
    except (UserError, OSError) as error:
        say(f"cannot stop the job of paths: {error}")


def _check_places(settings: Settings) -> None:
    """Reports faults that exist at the start; the server survives later ones."""
    if os.path.exists(settings.runs) and not os.path.isdir(settings.runs):
        raise UserError(f"The directory of runs, {settings.runs}, is a file: name a directory with --runs.")
    FieldCache(settings.cache_dir, settings.cache_bytes).close()
    if settings.lessons and not settings.lessons.is_dir():
        raise UserError(f"The folder of lessons, {settings.lessons}, is not there: name a folder with --lessons.")
    if settings.study:
        from gradviz.experiment.study_loading import load_study  # torch, which only studies need here

        load_study(settings.study)


def _warn_of_strangers(settings: Settings) -> None:
    is_open = not (settings.read_only or settings.password.get_secret_value())
    if is_open and not is_loopback(settings.host):
        say(
            f"anyone who reaches {settings.host}:{settings.port} can start and stop the training: "
            "set GRADVIZ_PASSWORD, or GRADVIZ_READ_ONLY=1."
        )
