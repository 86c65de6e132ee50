"""gunicorn's worker: it has the process, its restarts and signals from gunicorn, and its connections from `front`."""

import os
import resource
import sys
import threading
import time
from types import FrameType
from typing import Any, cast

from gunicorn.workers.base import Worker

from gradviz.serving.front import CONNECTIONS, Front
from gradviz.settings import load_settings

LOAD_SECONDS = 120.0  # a slow machine may need long to import torch
_LOOK_SECONDS = 1.0
_ENDING_LOOK_SECONDS = 0.05
# A landscape gives the interpreter's lock away with each of its hundreds of operations: a thread that holds on to it
# for Python's usual 5 ms each time, such as one that writes numbers as text, would make it take seconds.
_SWITCH_SECONDS = 0.0005
_OTHER_FILES = 512  # beside the connections: checkpoints, the cache of each thread, temporary files of answers


class FrontWorker(Worker):
    fronts: tuple[Front, ...] = ()

    def load_wsgi(self) -> None:
        """As gunicorn, which kills a worker that gives no sign of life; loading may take longer than that allows."""
        loaded = threading.Event()
        beating = threading.Thread(target=self._beat, args=(loaded,), name="loading", daemon=True)
        beating.start()
        try:
            super().load_wsgi()
        finally:
            loaded.set()
            beating.join()

    def _beat(self, loaded: threading.Event) -> None:
        until = time.monotonic() + LOAD_SECONDS
        while not loaded.wait(_LOOK_SECONDS) and time.monotonic() < until:
            self.notify()

    def run(self) -> None:
        _allow_open_files(2 * CONNECTIONS + _OTHER_FILES)
        sys.setswitchinterval(_SWITCH_SECONDS)
        settings = load_settings()
        self.fronts = tuple(
            Front(self.wsgi, listener.sock, proxies=settings.proxies, most_waiting=settings.queue_limit)
            for listener in cast(list[Any], self.sockets)  # gunicorn's own, each around one of Python's
        )
        while self.alive and self.ppid == os.getppid():
            self._turn(_LOOK_SECONDS)
        for front in self.fronts:
            front.stop_accepting()
        until = time.monotonic() + self.cfg.graceful_timeout
        while not all(front.is_idle for front in self.fronts) and time.monotonic() < until:
            self._turn(_ENDING_LOOK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for front in self.fronts:
            front.pull_trigger()  # it may be waiting for connections

    def _turn(self, seconds: float) -> None:
        self.notify()
        for front in self.fronts:
            front.turn(seconds / len(self.fronts))


def _allow_open_files(number: int) -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if most == resource.RLIM_INFINITY else min(number, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
