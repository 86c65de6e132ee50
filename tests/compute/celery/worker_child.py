"""A worker of the tests: the real one, whose landscapes of certain seeds wait for a file, kill their process, or hang.

Its trainings leave a file for each epoch that they save, its jobs of paths for each replica that they begin, and they
wait there while a test holds them up.

Run as `python worker_child.py QUEUE`, or `supervised QUEUE` for `gradviz worker` itself. GRADVIZ_TEST_NOTES names the
directory of those files. The processes of the pool are started anew and run this module too.
"""

import ctypes
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gradviz.cli import main
from gradviz.commands import worker
from gradviz.commands.bound_life import die_with
from gradviz.commands.worker_process import work
from gradviz.compute import paths_job
from gradviz.compute.celery import paths_stretch, segment
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.paths_job import Job, carry_out
from gradviz.compute.workbench import Workbench
from gradviz.experiment.lock import RunLocked
from gradviz.experiment.outcome import TrainingOutcome, TrainingProgress
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape.paths.progress import PathsProgress
from tests.compute.celery.running import HANGS, KILLS, NOTED, WAITS

_answer = LandscapeQuestion.answer


def answer(self: LandscapeQuestion, bench: Workbench) -> bytes:
    seed = self.request.seed
    notes = Path(os.environ["GRADVIZ_TEST_NOTES"])
    behaviour = seed // 1000 * 1000
    if behaviour in (WAITS, KILLS, HANGS, NOTED):
        (notes / f"started-{seed}-{os.getpid()}-{uuid.uuid4().hex}").touch()
    if behaviour == WAITS:
        while not (notes / f"go-{seed}").exists():
            time.sleep(0.005)  # what a test holds up is stopped and killed: nothing can be waited for but a file
    if behaviour == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == HANGS:
        ctypes.PyDLL(None).sleep(600)  # native code that keeps Python's lock
    return _answer(self, bench)


def observed_train(
    root: Path, configs: Sequence[TrainingConfig], *, on_progress: Callable[[TrainingProgress], None], **options: Any
) -> TrainingOutcome:
    notes = Path(os.environ["GRADVIZ_TEST_NOTES"])

    def noted(progress: TrainingProgress) -> None:
        name = f"{progress.run}-{progress.epoch}"
        if progress.saved:
            (notes / f"saved-{name}-{os.getpid()}-{uuid.uuid4().hex}").touch()
        while (notes / (f"hold-{name}" if progress.saved else f"hold-within-{name}")).exists():
            time.sleep(0.005)
        on_progress(progress)

    try:
        return train(root, configs, on_progress=noted, **options)
    except RunLocked:
        (notes / f"put-off-{os.getpid()}-{uuid.uuid4().hex}").touch()
        raise


def observed_paths(*arguments: Any, on_progress: Callable[[PathsProgress], None], **options: Any) -> Job:
    notes = Path(os.environ["GRADVIZ_TEST_NOTES"])
    last = ""

    def noted(now: PathsProgress) -> None:
        nonlocal last
        name = now.what.replace(" ", ".")
        if name != last:
            (notes / f"took-{name}-{os.getpid()}-{uuid.uuid4().hex}").touch()
        last = name
        on_progress(now)

    stop, tell = options["stop"], options.pop("tell")

    def told(job: Job) -> None:
        """Also while a test holds it up, as at every other step."""
        tell(job)
        while (notes / f"hold-{job.what.replace(' ', '.')}").exists() and not stop.asked:
            time.sleep(0.005)
            tell(job)

    return carry_out(*arguments, on_progress=noted, tell=told, **options)


LandscapeQuestion.answer = answer
segment.train = observed_train
paths_job._EVERY_SECONDS = 0.0  # pyright: ignore[reportPrivateUsage]  # a test holds up whatever step it means
paths_stretch.carry_out = observed_paths


def supervised(queue: str) -> int:
    """`gradviz worker`, over workers of the tests."""
    worker._PROGRAM = (__file__,)
    return main(["worker", "--queues", queue])


if __name__ == "__mp_main__":  # a process of the pool
    (Path(os.environ["GRADVIZ_TEST_NOTES"]) / f"ready-{os.getppid()}").touch()
if __name__ == "__main__":
    match sys.argv[1:]:
        case [queue]:
            sys.exit(work(queue, 1))
        case ["supervised", queue]:
            sys.exit(supervised(queue))
        case [supervisor, queue, slots]:
            die_with(int(supervisor), signal.SIGKILL)
            sys.exit(work(queue, int(slots)))
