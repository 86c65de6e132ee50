"""The job of paths that a server starts: one at a time, seen by every process, ended by anybody, within its bounds."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest
import torch

from gradviz.commands.paths import request_of
from gradviz.compute import paths as paths_module
from gradviz.compute import paths_job
from gradviz.compute.alone import Alone
from gradviz.compute.paths import LAYOUT, make_room
from gradviz.compute.paths_job import Job, job_directory, job_of, work, worker_of
from gradviz.compute.paths_jobs import AnotherJob, PathsJobs
from gradviz.compute.paths_process import PathsProcess, end_job, options_of
from gradviz.compute.paths_steps import minibatch_of
from gradviz.compute.trainer_log import TrainerLog
from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.lock import RunLocked, run_lock
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape.paths.request import PathsRequest
from gradviz.parser import parser
from gradviz.settings import Settings
from tests.alive import is_alive

PAUSE = threading.Event()  # never set: between two looks at another process
LIMIT = 2**30


def asked(**changes: object) -> PathsRequest:
    return PathsRequest.of(**({"run": "none", "epoch": 0, "replicas": 3, "conditions": ("same", "order")} | changes))


LONG = asked(replicas=3, epochs=20, conditions=("same", "order"))


def jobs_of(runs: Path, cache: Path, launch: Callable) -> PathsJobs:
    settings = Settings(runs=runs, cache_dir=cache, device="cpu")
    return PathsJobs(settings, RunStore(runs), PathsProcess(settings, launch))


def here(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> None:
    """Computes within this process."""
    request = request_of(parser().parse_args(arguments))
    work(RunStore(settings.runs), request, settings.cache_dir, device="cpu", limit=settings.cache_bytes)


@pytest.fixture(scope="module")
def elsewhere(tiny_runs: Path) -> Iterator[Callable]:
    """Launches jobs in processes of their own, forked from one that has imported torch once."""
    command = [sys.executable, str(Path(__file__).with_name("paths_child.py")), str(tiny_runs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said: IO[str] | None = process.stdout
        orders: IO[str] | None = process.stdin
        assert said is not None
        assert orders is not None
        assert said.readline() == "ready\n"

        def launch(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> None:
            request = request_of(parser().parse_args(arguments))
            print(json.dumps([str(settings.cache_dir), "job", request.canonical()]), file=orders, flush=True)
            while (job := job_of(settings.cache_dir)) is None or job.request != request or not job.done:
                PAUSE.wait(0.01)

        yield launch
        orders.close()


def ends(cache: Path, pid: int) -> Job:
    while worker_of(cache) is not None:
        PAUSE.wait(0.01)
    while is_alive(pid):  # until the process that forked it has reaped it
        PAUSE.wait(0.01)
    job = job_of(cache)
    assert job is not None
    return job


def test_a_job_is_cancelled_and_goes_on_later_to_the_same_result(
    tiny_runs: Path, tmp_path: Path, elsewhere: Callable
) -> None:
    jobs = jobs_of(tiny_runs, tmp_path / "cache", elsewhere)
    begun = jobs.start(LONG)
    job = jobs.job()
    assert job is not None
    assert (begun.is_known, job.state, job.key) == (False, "running", begun.key)
    assert 0 < job.done < job.total
    assert job.seconds_left is not None
    worker = worker_of(tmp_path / "cache")
    assert worker is not None

    with pytest.raises(AnotherJob, match=r"Paths of none are being computed here, about \d+ s more"):
        jobs.start(asked())
    assert jobs.start(LONG).key == begun.key  # it is under way
    untouched = jobs.cancel("0" * 64)
    assert untouched is not None
    assert untouched.state == "running"  # of another key

    jobs.cancel(begun.key)
    ended = ends(tmp_path / "cache", worker.pid)
    assert (ended.state, ended.message) == (
        "stopped",
        "Cancelled. Finished replicas are kept: Start goes on with the next one.",
    )
    assert jobs.result(begun.key) is None
    assert jobs_of(tiny_runs, tmp_path / "cache", here).start(LONG).is_known
    jobs_of(tiny_runs, tmp_path / "whole", here).start(LONG)
    [one, other] = ((tmp_path / name / LAYOUT / f"{begun.key}.safetensors").read_bytes() for name in ("cache", "whole"))
    assert one == other


def test_a_killed_job_is_told_and_goes_on(tiny_runs: Path, tmp_path: Path, elsewhere: Callable) -> None:
    jobs = jobs_of(tiny_runs, tmp_path, elsewhere)
    key = jobs.start(LONG).key
    worker = worker_of(tmp_path)
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    ended = ends(tmp_path, worker.pid)
    assert ended.state == "failed"
    assert "ended unexpectedly" in ended.message
    assert jobs_of(tiny_runs, tmp_path, here).start(LONG).is_known
    job = jobs.job()
    assert job is not None
    assert (job.key, job.state, job.message) == (key, "finished", "")


def test_the_end_of_a_server_ends_its_job(tiny_runs: Path, tmp_path: Path, elsewhere: Callable) -> None:
    jobs = jobs_of(tiny_runs, tmp_path, elsewhere)
    end_job(tmp_path)  # there is none
    jobs.start(LONG)
    worker = worker_of(tmp_path)
    assert worker is not None
    end_job(tmp_path)
    assert ends(tmp_path, worker.pid).state == "stopped"


def test_a_job_that_ends_before_it_begins_says_why(tiny_runs: Path, tmp_path: Path) -> None:
    def refused(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> None:
        with log.begin() as said:
            said.write(b"gradviz: error: the study cannot be loaded.\n")

    def silent(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> None:
        log.begin().close()

    for launch, sentence in ((refused, "^the study cannot be loaded.$"), (silent, "ended at once; see job.log")):
        with pytest.raises(UserError, match=sentence):
            jobs_of(tiny_runs, tmp_path, launch).start(asked())


def test_a_job_whose_paths_fail_says_why(tiny_runs: Path, tmp_path: Path) -> None:
    jobs = jobs_of(tiny_runs, tmp_path, here)
    jobs.start(asked(optimizer="sgd", learning_rate=1e6, rate_factor=1e6))
    job = jobs.job()
    assert job is not None
    assert job.state == "failed"
    assert "broke down: its loss became" in job.message


def test_one_job_at_a_time_holds_the_lock(tiny_store: RunStore, tmp_path: Path) -> None:
    place = job_directory(tmp_path)
    place.mkdir(parents=True)
    with run_lock(place), pytest.raises(RunLocked):
        work(tiny_store, asked(), tmp_path, device="cpu", limit=LIMIT)
    assert job_of(tmp_path) is None


def test_an_unusable_note_is_no_job(tmp_path: Path) -> None:
    place = job_directory(tmp_path)
    place.mkdir(parents=True)
    for content in ("", "{}", '{"key": 1}', "[" * 5000):
        (place / "job.json").write_text(content)
        assert job_of(tmp_path) is None


def test_what_stopped_jobs_have_left_makes_room_the_oldest_first(tmp_path: Path) -> None:
    root = tmp_path / LAYOUT
    names = [letter * 64 for letter in "abcde"]
    for age, name in enumerate(names):
        (root / name).mkdir(parents=True)
        (root / name / "order-00.numbers").write_bytes(b"0" * 100)
        os.utime(root / name, (age, age))
    (root / "job").mkdir()
    (root / "note.txt").write_text("of the user's own")
    with Alone(root).of(names[1], lambda: True):
        make_room(tmp_path, 300, spared=names[0])  # the oldest belongs to this job, the next to one under way
    assert sorted(path.name for path in root.iterdir()) == [names[0], names[1], names[3], names[4], "job", "note.txt"]
    make_room(tmp_path, 0, spared=names[4])
    assert sorted(path.name for path in root.iterdir()) == [names[4], "job", "note.txt"]


def test_the_options_ask_for_the_same() -> None:
    for request in (
        asked(),
        PathsRequest.of(run="a", epoch=0, optimizer="sgd", learning_rate=1e-7, rate_factor=0.0625, points=7, seed=3),
        asked(x="random:1@hidden.1", y="hidden.0.linear.weight[3,1]"),
    ):
        assert request_of(parser().parse_args(["paths", "--background", *options_of(request)])) == request


def test_a_minibatch_of_all_rows_is_the_one_that_landscapes_are_drawn_at(tmp_path: Path) -> None:
    """Elsewhere training draws other minibatches than landscapes are drawn at."""
    runs = tmp_path / "runs"
    train(runs, run_configs(variants=("none",), epochs=1, rows=40, hidden=(4, 3, 2), batch_size=32), device="cpu")
    store = RunStore(runs)
    run = paths_module.continuation_of(store, "none", torch.device("cpu"))
    request = asked(conditions=("order", "resampled"))
    own = minibatch_of(run, request, "order", 0, 1)
    assert (own.own_step, own.minibatch) == (1, 0)
    assert sorted(own.rows) == list(range(32))
    drawn = minibatch_of(run, request, "resampled", 0, 1)
    assert (drawn.own_step, drawn.minibatch) == (None, None)
    assert len(set(drawn.rows)) < len(drawn.rows) == 32


def test_a_stop_before_the_first_step_is_a_stop(tiny_store: RunStore, tmp_path: Path) -> None:
    stop = StopRequest()
    stop.ask()
    assert work(tiny_store, asked(), tmp_path, device="cpu", limit=LIMIT, stop=stop).state == "stopped"
    assert paths_job.worker_of(tmp_path) is None
