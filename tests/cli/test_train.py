"""`gradviz train` as a process: Ctrl-C ends it in order, and what was saved goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gradviz.experiment.store import RunStore

LONG = ["--hidden", "40,20,10", "--rows", "300", "--epochs", "5000", "--device", "cpu", "--variants", "none"]


def start(runs: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gradviz", "train", "--runs", str(runs), *LONG, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_training_without_a_traceback(tmp_path: Path, number: signal.Signals):
    with start(tmp_path) as process:
        assert process.stdout is not None
        seen = next(line for line in process.stdout if "epoch 1/" in line)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert seen
    assert process.returncode == 128 + number
    assert errors == ""
    assert "Saved epochs are kept" in rest
    assert RunStore(tmp_path).run("none").epochs()[:2] == [0, 1]


def test_second_trainer_says_who_holds_the_run(tmp_path: Path):
    with start(tmp_path) as first:
        assert first.stdout is not None
        next(line for line in first.stdout if "epoch 1/" in line)
        with start(tmp_path) as second:
            _, errors = second.communicate(timeout=60)
        first.terminate()
        first.communicate(timeout=60)
    assert second.returncode == 2
    assert errors.count("\n") == 1
    assert f"process {first.pid}" in errors
