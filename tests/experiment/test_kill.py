"""A trainer killed at any moment loses nothing but time: the next one leaves byte for byte the uninterrupted run."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from gradviz.experiment.lock import holder
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.trainer import train

CHILD = Path(__file__).with_name("trainer_child.py")
EPOCHS = 10
NUM_LINES = 3 * (1 + 5 * EPOCHS)  # of three variants: epoch 0, then four steps and a save an epoch


class Trainer:
    """A process that trains; `lines` are what it prints, and end when it does."""

    def __init__(self, output: TextIO) -> None:
        self.pid = int(output.readline().removeprefix("pid "))
        self.lines = self._read(output)
        self.status: int | None = None  # of its exit; a signal is negative

    def _read(self, output: TextIO) -> Iterator[str]:
        for line in output:
            if line.startswith("ended "):
                self.status = int(line.removeprefix("ended "))
            else:
                yield line

    def progress(self) -> Iterator[str]:
        return (line for line in self.lines if line.startswith(("saved", "step")))

    def send_signal(self, number: signal.Signals) -> None:
        if self.status is None:
            os.kill(self.pid, number)

    def end(self) -> list[str]:
        """The lines that it still prints."""
        return list(self.lines)

    def outcome(self) -> list[object]:
        """Whether it finished, and the signal that stopped it."""
        *_, last = self.lines
        assert self.status == 0
        return json.loads(last.removeprefix("outcome "))


Training = Callable[[Path], AbstractContextManager[Trainer]]


@contextmanager
def ordered(orders: socket.socket, *order: object) -> Iterator[Trainer]:
    reading, writing = os.pipe()
    with open(reading) as output:
        try:
            socket.send_fds(orders, [json.dumps(order).encode()], [writing])
        finally:
            os.close(writing)
        trainer = Trainer(output)
        try:
            yield trainer
        finally:
            trainer.send_signal(signal.SIGKILL)
            trainer.end()


@pytest.fixture(scope="module")
def orders() -> Iterator[socket.socket]:
    """Where processes are ordered: from one that has imported torch once, and forks each of them."""
    mine, its = socket.socketpair()
    command = [sys.executable, str(CHILD), str(its.fileno())]
    with mine, subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL):
        its.close()
        yield mine
        mine.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def training(orders: socket.socket) -> Training:
    """Trains three tiny runs in a directory."""
    return lambda root: ordered(orders, "train", str(root), EPOCHS)


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the runs but the times of metrics.csv."""
    files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    for name in files:
        if name.endswith("metrics.csv"):
            lines = files[name].decode().splitlines()
            files[name] = "\n".join(line.rpartition(",")[0] for line in lines).encode()
    return files


@pytest.fixture(scope="module")
def whole(training: Training, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted training leaves."""
    root = tmp_path_factory.mktemp("whole")
    with training(root) as process:
        assert len(list(process.progress())) == NUM_LINES
    assert process.status == 0
    return contents(root)


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_at_random_moments_then_training_again_gives_the_same_bytes(
    tmp_path: Path, training: Training, tiny: Callable[..., TrainingConfig], whole: dict[str, bytes], seed: int
):
    # Killed twice in one training, each time a while after a random line: steps and writes go on meanwhile.
    moments = random.Random(seed)
    for num_lines in (moments.randrange(1, NUM_LINES // 2), moments.randrange(1, NUM_LINES // 3)):
        with training(tmp_path) as process:
            lines = process.progress()
            for _ in range(num_lines):
                next(lines)
            process.send_signal(signal.SIGKILL)
            process.end()
        assert process.status == -signal.SIGKILL
        assert all(holder(tmp_path / variant) is None for variant in DEFAULT_NAMES)
    # In this process, whose hashes are others.
    assert train(tmp_path, [tiny(variant, epochs=EPOCHS) for variant in DEFAULT_NAMES], device="cpu").finished
    assert contents(tmp_path) == whole
    assert len(whole) == 3 * (EPOCHS + 1 + len(["run.json", "rows", "metrics.csv", "resume", "trainer.lock"]))


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True], ids=["new or begun run", "fresh over an old run"])
def test_kill_9_before_each_single_change_of_the_disk_is_survived(tmp_path: Path, orders: socket.socket, fresh: bool):
    with ordered(orders, "kills", str(tmp_path), int(fresh)) as process:
        num_kills = int(*process.lines)
    assert process.status == 0
    # At least: the file, its name and its directory, for three files of each of three epochs and for three more.
    assert num_kills >= 3 * (3 * 3 + 3)
    expected = contents(tmp_path / "whole")
    for number in range(1, num_kills + 1):
        assert contents(tmp_path / str(number)) == expected, f"killed before change {number}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_trainer_within_the_epoch_and_it_can_be_continued(
    tmp_path: Path, training: Training, whole: dict[str, bytes], number: signal.Signals
):
    with training(tmp_path) as process:
        assert any(line.startswith("step dropout 2 1") for line in process.lines)
        process.send_signal(number)
        *rest, last = process.lines
    assert process.status == 0
    assert "message Stopped. Saved epochs are kept" in "".join(rest)
    assert json.loads(last.removeprefix("outcome ")) == [False, number]
    assert all(holder(tmp_path / variant) is None for variant in DEFAULT_NAMES)
    assert max(RunStore(tmp_path).run("none").epochs()) < EPOCHS
    with training(tmp_path) as process:
        assert process.outcome() == [True, None]
    assert contents(tmp_path) == whole


def test_a_second_trainer_is_refused_and_the_first_goes_on(tmp_path: Path, training: Training, whole: dict[str, bytes]):
    with training(tmp_path) as first:
        next(line for line in first.lines if line.startswith("step"))
        first.send_signal(signal.SIGSTOP)
        with training(tmp_path) as second:
            said = second.end()
        assert said == [f"refused for {first.pid}\n"]
        who = holder(tmp_path / "none")
        assert who is not None
        assert who.pid == first.pid
        first.send_signal(signal.SIGCONT)
        assert first.outcome() == [True, None]
    assert contents(tmp_path) == whole
