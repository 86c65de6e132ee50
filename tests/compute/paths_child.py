"""Jobs of paths in processes of their own, for tests: forked from one process that has imported torch once.

Run as `paths_child.py RUNS`. For each line on its input, a JSON list [DIRECTORY, HOW MANY, REQUEST], so many processes
work at the same request at once; with `"job"` in the place of HOW MANY one does, as the job of a server. They write
`PID step` for each step and `PID whole` at the end; this one writes `PID ended STATUS` for each of them, and at last
`all ended`.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gradviz.compute import paths_job
from gradviz.compute.paths import paths
from gradviz.experiment.interruption import stop_on_signals
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.progress import PathsProgress
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import PathsResult

PAUSE = threading.Event()  # never set: between two looks at what has been asked


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # whole lines, however many write at once


def work(directory: str, request: str) -> None:
    own = os.getpid()
    say(f"{own} begins")
    paths(
        RunStore(sys.argv[1]),
        PathsRequest.from_json(request),
        Path(directory),
        device="cpu",
        on_progress=lambda progress: say(f"{own} step"),
    )
    say(f"{own} whole")


def job(directory: str, request: str) -> None:
    """Half of the job, told at every step; then it waits until it is ended, however quick the machine is."""
    with stop_on_signals() as asked:

        def half(*args: Any, on_progress: Callable[[PathsProgress], None], **options: Any) -> PathsResult:
            def told(now: PathsProgress) -> None:
                on_progress(now)
                while 2 * now.done >= now.total and not asked.asked:
                    PAUSE.wait(0.01)

            return paths(*args, on_progress=told, **options)

        paths_job.paths, paths_job._EVERY_SECONDS = half, 0.0  # pyright: ignore
        paths_job.work(
            RunStore(sys.argv[1]),
            PathsRequest.from_json(request),
            Path(directory),
            device="cpu",
            limit=2**30,
            stop=asked,
        )


def forked(task: Callable[[str, str], None], directory: str, request: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        task(directory, request)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.fsync = lambda descriptor: None  # pyright: ignore  # what it is for, a power cut, no test can show
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # imports what takes a second, once for all
    say("ready")
    for line in sys.stdin:
        directory, number, request = json.loads(line)
        task = job if number == "job" else work
        children = [forked(task, directory, request) for _ in range(1 if number == "job" else number)]
        for child in children:
            say(f"{child} ended {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")
        say("all ended")
