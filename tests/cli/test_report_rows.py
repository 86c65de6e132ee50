"""A report of runs that are too small for it is refused before anything is measured or made."""

from pathlib import Path

import pytest

from gradviz.cli import main
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train


def test_a_report_of_too_few_rows_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    train(tmp_path / "runs", run_configs(variants=["none"], rows=40, hidden=(6, 5, 4), epochs=1), device="cpu")
    status = main(["report", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "report")])
    assert status == 2
    assert (
        "minibatches of 64 training rows, and none has 32: train on a table of at least 80" in capsys.readouterr().err
    )
    assert not (tmp_path / "report").exists()
