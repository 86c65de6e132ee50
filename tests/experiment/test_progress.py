"""What is shown while a training runs, and what `gradviz runs` says afterwards."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from gradviz.experiment.describe import describe_runs
from gradviz.experiment.lock import run_lock
from gradviz.experiment.outcome import TrainingProgress
from gradviz.experiment.progress import bars, duration, plain_line, training_display
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.trainer import train

NOW = TrainingProgress("dropout", 12, 30, 75, 75, 24.123, 0.98123, 4210.4, 111.5, saved=True)


def test_a_plain_line_says_what_is_known():
    line = "dropout    epoch 12/30   train loss 24.12   test R2 0.9812   4,210 rows/s   1:52 left"
    assert plain_line(NOW) == line
    early = TrainingProgress("none", 0, 30, 75, 75, 459.5, None, 0.0, None, saved=True)
    assert plain_line(early) == "none       epoch 0/30   train loss 459.5"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (6.2, "0:07"), (112, "1:52"), (7390, "2:03:10")])
def test_durations_read_as_clocks(seconds: float, text: str):
    assert duration(seconds) == text


def test_elsewhere_than_on_a_terminal_there_is_one_line_per_epoch(tmp_path: Path, tiny):
    stream = io.StringIO()
    with training_display(stream) as display:
        configs = [tiny(variant) for variant in DEFAULT_NAMES]
        train(tmp_path, configs, device="cpu", on_progress=display.on_progress, on_message=display.on_message)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("80 of 80 usable rows")
    assert [line.split()[0] for line in lines[1:4]] == list(DEFAULT_NAMES)
    assert len(lines) == 1 + 3 * 4
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_bar_per_variant(tmp_path: Path, tiny):
    stream = io.StringIO()
    with bars(Console(file=stream, force_terminal=True, width=120)) as display:
        configs = [tiny(variant) for variant in DEFAULT_NAMES]
        train(tmp_path, configs, device="cpu", on_progress=display.on_progress, on_message=display.on_message)
    text = stream.getvalue()
    assert "━" in text
    assert all(variant in text for variant in DEFAULT_NAMES)
    assert "epoch 3/3" in text


def test_the_runs_are_described(runs: Path):
    described = describe_runs(RunStore(runs))
    assert [run.name for run in described] == list(DEFAULT_NAMES)
    for run in described:
        metrics = RunStore(runs).run(run.name).metrics()
        assert (run.last_epoch, run.epochs_wanted, run.holder, run.broken) == (3, 3, None, ())
        assert run.best_test_r2 == max(line.test_r2 for line in metrics)
        assert run.num_bytes == sum(path.stat().st_size for path in run.path.iterdir())


def test_holders_and_broken_files_are_described(runs: Path):
    (runs / "none" / "run.json").write_text("{")
    checkpoint_path(runs / "dropout", 3).write_bytes(b"")
    with run_lock(runs / "dropout") as mine:
        none, dropout, batchnorm = describe_runs(RunStore(runs))
    assert (none.last_epoch, none.broken[0].path.name) == (None, "run.json")
    assert (dropout.last_epoch, dropout.holder) == (2, mine)
    assert [broken.reason for broken in dropout.broken] == ["it is empty"]
    assert batchnorm.broken == ()


def test_an_empty_directory_has_no_runs_to_describe(tmp_path: Path):
    assert describe_runs(RunStore(tmp_path / "missing")) == []
