"""`gradviz worker`: supervises one Celery worker per queue, so that each queue has its own slots."""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gradviz.commands.running_on import say, stop_signals
from gradviz.commands.worker_figures import serving_figures
from gradviz.compute.celery.broker import Broker, broker_of
from gradviz.compute.celery.desk import BrokerAway, Desk
from gradviz.compute.celery.names import PATHS, QUEUES, TRAINING
from gradviz.errors import UserError
from gradviz.experiment.device import resolve_device
from gradviz.experiment.study_loading import load_study
from gradviz.settings import Settings, as_environment, load_settings

_TICK_SECONDS = 0.5
_PROGRAM = ("-m", "gradviz.commands.worker_process")
_STEADY_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 30.0
_MAX_RESTARTS = 20
_MAX_SLOTS = 64


def run(options: argparse.Namespace) -> int:
    """Works until Ctrl-C or SIGTERM, then finishes current tasks; 1 if a worker keeps failing."""
    slots = slots_of(options.queues)
    settings = load_settings(runs=options.runs, study=options.study, device=options.device)
    for queue in (TRAINING, PATHS):
        if settings.read_only and queue in slots:
            raise UserError(f"GRADVIZ_READ_ONLY is set: remove {queue} from --queues, or unset it.")
    resolve_device(settings.device)  # report a missing device once, not in each process
    if settings.study:
        load_study(settings.study)
    broker = broker_of(settings)
    _greet(settings, broker, slots)
    with serving_figures(settings) as variables, stop_signals() as stop:
        return _supervise(partial(_start, settings, variables), slots, stop, settings.task_seconds)


def slots_of(queues: tuple[str, ...]) -> dict[str, int]:
    """`interactive=2`, `batch` to {"interactive": 2, "batch": 1}; UserError names the wrong entry."""
    slots = {}
    for text in queues:
        match = re.fullmatch(rf"({'|'.join(QUEUES)})(?:=([0-9]{{1,3}}))?", text)
        count = int(match[2] or 1) if match else 0
        if match is None or not 1 <= count <= _MAX_SLOTS or match[1] in slots:
            raise UserError(
                f"`--queues` takes {','.join(QUEUES)}, each at most once and with at most {_MAX_SLOTS} slots "
                f"(interactive=2), got {text!r}."
            )
        slots[match[1]] = count
    return slots


@dataclass
class _Worker:
    queue: str
    process: subprocess.Popen[bytes]
    started: float
    ends: int = 0
    due: float | None = None

    def watch(self, start: Callable[[], subprocess.Popen[bytes]]) -> bool:
        """Restarts it when it has ended, after a growing pause; False if it ended too often in a row."""
        now = time.monotonic()
        if self.process.poll() is None:
            return True
        if self.due is None:
            self.ends = 1 if now - self.started > _STEADY_SECONDS else self.ends + 1
            if self.ends > _MAX_RESTARTS:
                return False
            self.due = now + min(_LONGEST_PAUSE_SECONDS, 0.5 * 2 ** (self.ends - 1))
            say(f"the worker of {self.queue} ended (status {self.process.returncode}); restarting it.")
        elif now >= self.due:
            self.process, self.started, self.due = start(), now, None
        return True


def _supervise(
    start: Callable[[str, int], subprocess.Popen[bytes]],
    slots: Mapping[str, int],
    stop: threading.Event,
    task_seconds: float,
) -> int:
    workers = [_Worker(queue, start(queue, count), time.monotonic()) for queue, count in slots.items()]
    try:
        while not stop.wait(_TICK_SECONDS):
            for worker in workers:
                if not worker.watch(partial(start, worker.queue, slots[worker.queue])):
                    say(f"the worker of {worker.queue} keeps failing (status {worker.process.returncode}).")
                    return 1
        return 0
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            _end(worker.process, task_seconds)


def _start(settings: Settings, variables: Mapping[str, str], queue: str, slots: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, *_PROGRAM, str(os.getpid()), queue, str(slots)]
    # Ctrl-C reaches this process, which asks the workers to finish their tasks.
    return subprocess.Popen(
        command, env={**os.environ, **as_environment(settings), **variables}, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _greet(settings: Settings, broker: Broker, slots: Mapping[str, int]) -> None:
    """Prints the queues and the broker; reports a wrong password at once, but waits for an absent broker."""
    state = ""
    try:
        desk = Desk(broker, settings)
        with desk.reaching():
            desk.redis.ping()
    except BrokerAway:
        state = " (not reachable yet)"
    taken = ", ".join(f"{queue} ({count})" for queue, count in slots.items())
    print(f"gradviz: works for {broker.shown}{state}: {taken}", flush=True)
