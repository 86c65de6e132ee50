"""Trainers in processes of their own, for tests: born by fork from one process that has imported torch once.

Run as `trainer_child.py DESCRIPTOR`, a socket. For each order that comes there (a JSON list, with the descriptor of a
pipe) a new process writes to the pipe: `pid NUMBER`, the lines of the task, and at last `ended STATUS`. Two tasks:

`train ROOT EPOCHS` trains three tiny runs and prints a line for each step and each epoch saved, at once.

`kills ROOT FRESH` trains once and copies, before each change to the disk, what a kill there would leave (a file under
way half written); when that process is gone, another one for each copy trains it to the end. Prints the number of
copies. With FRESH there is an old run in the place, to be replaced.
"""

import gc
import itertools
import json
import os
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

import torch

from gradviz.experiment.lock import RunLocked
from gradviz.experiment.outcome import TrainingProgress
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.presets import preset_config
from gradviz.experiment.studies.deliveries.trainer import train

TINY = {"rows": 80, "hidden": (6, 5, 4), "batch_size": 16, "learning_rate": 1e-3}


def tiny(variant: str, epochs: int, seed: int = 0) -> TrainingConfig:
    return preset_config("quick", variant, epochs=epochs, seed=seed, **TINY)


def say(line: str) -> None:
    print(line, flush=True)


def train_aloud(root: Path, epochs: int) -> None:
    def on_progress(progress: TrainingProgress) -> None:
        say(f"{'saved' if progress.saved else 'step'} {progress.run} {progress.epoch} {progress.step}")

    try:
        outcome = train(
            root,
            [tiny(variant, epochs) for variant in DEFAULT_NAMES],
            device="cpu",
            on_progress=on_progress,
            on_message=lambda message: say(f"message {message}"),
        )
    except RunLocked as locked:
        say(f"refused for {locked.holder.pid if locked.holder else 'nobody'}")
        return
    say(f"outcome {json.dumps([outcome.finished, outcome.signal])}")


def copy_before_each_change(directory: Path, root: Path) -> None:
    """Makes each call from here on that changes the disk copy `directory` first, to `root` / 1, 2, …"""
    numbers = itertools.count(1)

    def copying(operation: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            copy = shutil.copytree(directory, root / str(next(numbers)))
            if operation is fsync:
                cut_in_half(Path(os.readlink(f"/proc/self/fd/{arguments[0]}")), directory, copy)
            return operation(*arguments, **options)

        return call

    fsync = os.fsync
    os.fsync, os.replace, os.unlink = copying(fsync), copying(os.replace), copying(os.unlink)  # pyright: ignore


def cut_in_half(path: Path, directory: Path, copy: Path) -> None:
    if path.is_file():
        os.truncate(copy / path.relative_to(directory), path.stat().st_size // 2)


def in_a_fork(work: Callable[[], None]) -> int:
    """The wait status of a child that did the work. The parent never computes, so it has no threads to lose."""
    pid = os.fork()
    if pid == 0:
        do(work)
    return os.waitpid(pid, 0)[1]


def do(work: Callable[[], object]) -> NoReturn:
    """Ends this process with the work: nothing of the process that it was forked from is to be tidied up."""
    status = 1
    try:
        work()
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


def kill_at_every_change(root: Path, fresh: bool) -> None:
    def train_once(directory: Path, *, seed: int = 0, fresh: bool = False) -> None:
        train(directory, [tiny("dropout", 2, seed)], device="cpu", fresh=fresh)

    def train_and_copy(directory: Path) -> None:
        copy_before_each_change(directory, root)
        train_once(directory, fresh=fresh)

    assert in_a_fork(partial(train_once, root / "whole")) == 0
    if fresh:
        assert in_a_fork(partial(train_once, root / "killed", seed=1)) == 0
    assert in_a_fork(partial(train_and_copy, root / "killed")) == 0
    copies = [path for path in root.iterdir() if path.name.isdecimal()]
    for copy in copies:
        assert in_a_fork(partial(train_once, copy, fresh=fresh)) == 0
    say(str(len(copies)))


def perform(task: str, root: str, option: int) -> None:
    if task == "train":
        train_aloud(Path(root), option)
    else:
        kill_at_every_change(Path(root), fresh=bool(option))


def mind(order: list, pipe: int) -> None:
    """Bears the process of one order, and tells its end: also when it was killed."""
    os.dup2(pipe, sys.stdout.fileno())
    os.close(pipe)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        say(f"pid {os.getpid()}")
        do(partial(perform, *order))
    say(f"ended {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


def take_orders(orders: socket.socket) -> None:
    # The networks are tiny: a second thread would only wait for its turn.
    torch.set_num_threads(1)
    # What it is for, a power cut, no kill can show; the calls are counted all the same.
    os.fsync = lambda descriptor: None  # pyright: ignore
    # Imports what an optimizer needs (a second) once for all children.
    torch.optim.Adam([torch.zeros(1, requires_grad=True)], fused=True)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        order, pipes, _, _ = socket.recv_fds(orders, 4096, 1)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            do(partial(mind, json.loads(order), pipes[0]))
        os.close(pipes[0])


if __name__ == "__main__":
    take_orders(socket.socket(fileno=int(sys.argv[1])))
