"""A process that has imported what a server needs, from which tests fork their servers: each import takes seconds."""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from gradviz.threads import wait_asleep

wait_asleep(os.environ)  # before torch is loaded, as app.py does

import gunicorn.app.wsgiapp  # noqa: E402

import gradviz.dashboard.factory  # noqa: E402  (torch, dash and all others)
import gradviz.serving.worker  # noqa: E402, F401

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


def gunicorn_process(arguments: Sequence[str], environment: dict[str, str]) -> tuple[ForkServerProcess, Connection]:
    """gunicorn in a process group of its own, begun; and where its lines for the terminal can be read."""
    read, write = _forks.Pipe(duplex=False)
    process = _forks.Process(target=_run, args=(list(arguments), environment, write))
    process.start()
    write.close()
    return process, read


def _run(arguments: list[str], environment: dict[str, str], lines: Connection) -> None:
    os.setpgid(0, 0)
    os.dup2(lines.fileno(), sys.stderr.fileno())
    lines.close()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["gunicorn", *arguments]
    gunicorn.app.wsgiapp.run()
