"""gunicorn's worker class: gunicorn handles the process, restarts and signals, and `front` the connections."""

import os
import resource
import sys
import threading
import time
from types import FrameType
from typing import Any, cast

from gunicorn.workers.base import Worker

from gradviz.addresses import as_path
from gradviz.serving.front import CONNECTIONS, Front
from gradviz.settings import load_settings

LOAD_SECONDS = 120.0  # a slow machine may take long to import torch
_LOOK_SECONDS = 1.0
_ENDING_LOOK_SECONDS = 0.05
# A landscape releases the interpreter's lock in each of its hundreds of operations: another thread that holds it for
# Python's usual 5 ms each time, for example to write numbers as text, would slow the landscape down to seconds.
_SWITCH_SECONDS = 0.0005
_OTHER_FILES = 512  # for checkpoints, the cache of each thread, temporary files of answers


class FrontWorker(Worker):
    fronts: tuple[Front, ...] = ()

    def load_wsgi(self) -> None:
        """Loads the app as gunicorn does, but with signs of life, because gunicorn kills silent workers."""
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
            Front(
                self.wsgi,
                listener.sock,
                proxies=settings.proxies,
                root=as_path(settings.prefix),
                most_waiting=settings.queue_limit,
            )
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
            front.pull_trigger()  # it may be blocked, waiting for connections

    def _turn(self, seconds: float) -> None:
        self.notify()
        for front in self.fronts:
            front.turn(seconds / len(self.fronts))


def _allow_open_files(number: int) -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if most == resource.RLIM_INFINITY else min(number, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
