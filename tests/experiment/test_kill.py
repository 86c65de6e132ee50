"""A trainer killed at any moment loses nothing but time: the next one leaves byte for byte the uninterrupted run."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gradviz.experiment.config import VARIANTS
from gradviz.experiment.lock import holder
from gradviz.experiment.store import RunStore

CHILD = Path(__file__).with_name("trainer_child.py")
EPOCHS = 10
NUM_LINES = 3 * (1 + 5 * EPOCHS)  # of three variants: epoch 0, then four steps and a save an epoch


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the runs but the times of metrics.csv."""
    files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    for name in files:
        if name.endswith("metrics.csv"):
            lines = files[name].decode().splitlines()
            files[name] = "\n".join(line.rpartition(",")[0] for line in lines).encode()
    return files


@contextmanager
def training(root: Path) -> Iterator[subprocess.Popen]:
    command = [sys.executable, str(CHILD), "train", str(root), str(EPOCHS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_of(process: subprocess.Popen) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout)


def progress_lines(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.startswith(("saved", "step")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted training leaves."""
    root = tmp_path_factory.mktemp("whole")
    with training(root) as process:
        assert len(list(progress_lines(lines_of(process)))) == NUM_LINES
        assert process.wait() == 0
    return contents(root)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_kill_9_at_random_moments_then_training_again_gives_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], seed: int
):
    # Killed twice in one training, each time a while after a random line: steps and writes go on meanwhile.
    moments = random.Random(seed)
    for num_lines in (moments.randrange(1, NUM_LINES // 2), moments.randrange(1, NUM_LINES // 3)):
        with training(tmp_path) as process:
            lines = progress_lines(lines_of(process))
            for _ in range(num_lines):
                next(lines)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        assert all(holder(tmp_path / variant) is None for variant in VARIANTS)
    with training(tmp_path) as process:
        *_, last = lines_of(process)
        assert json.loads(last.removeprefix("outcome ")) == [True, None]
    assert contents(tmp_path) == whole
    assert len(whole) == 3 * (EPOCHS + 1 + len(["run.json", "rows", "metrics.csv", "resume", "trainer.lock"]))


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True], ids=["new or begun run", "fresh over an old run"])
def test_kill_9_before_each_single_change_of_the_disk_is_survived(tmp_path: Path, fresh: bool):
    command = [sys.executable, str(CHILD), "kills", str(tmp_path), *["fresh"] * fresh]
    num_kills = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    # At least: the file, its name and its directory, for three files of each of three epochs and for three more.
    assert num_kills >= 3 * (3 * 3 + 3)
    expected = contents(tmp_path / "whole")
    for number in range(1, num_kills + 1):
        assert contents(tmp_path / str(number)) == expected, f"killed before change {number}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_trainer_within_the_epoch_and_it_can_be_continued(
    tmp_path: Path, whole: dict[str, bytes], number: signal.Signals
):
    with training(tmp_path) as process:
        lines = lines_of(process)
        assert any(line.startswith("step dropout 2 1") for line in lines)
        process.send_signal(number)
        rest = list(lines)
        assert process.wait() == 0
    assert "message Stopped as asked. Every epoch saved is kept" in "".join(rest)
    assert json.loads(rest[-1].removeprefix("outcome ")) == [False, number]
    assert all(holder(tmp_path / variant) is None for variant in VARIANTS)
    assert max(RunStore(tmp_path).run("none").epochs()) < EPOCHS
    with training(tmp_path) as process:
        list(lines_of(process))
    assert contents(tmp_path) == whole


def test_a_second_trainer_is_refused_and_the_first_goes_on(tmp_path: Path, whole: dict[str, bytes]):
    with training(tmp_path) as first:
        lines = lines_of(first)
        next(line for line in lines if line.startswith("step"))
        first.send_signal(signal.SIGSTOP)
        with training(tmp_path) as second:
            assert second.wait() != 0
        who = holder(tmp_path / "none")
        assert who is not None
        assert who.pid == first.pid
        first.send_signal(signal.SIGCONT)
        *_, last = lines
        assert json.loads(last.removeprefix("outcome ")) == [True, None]
    assert contents(tmp_path) == whole
