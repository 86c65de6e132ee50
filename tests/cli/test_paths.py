"""`gradviz paths`: a table or JSON, files, progress, and one sentence for a mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradviz.commands import paths as command
from gradviz.experiment.interruption import Stopped
from gradviz.numbers import percent_of

ASKED = ("paths", "--run", "dropout", "--epoch", 1, "--replicas", 3, "--device", "cpu")


def test_a_table_tells_the_spread_of_each_condition(gradviz: Callable, tiny_runs: Path):
    answer = gradviz(*ASKED, "--runs", tiny_runs, "--conditions", "same,order,masks")
    assert answer.status == 0
    assert "dropout, from epoch 1 for an epoch of 3 steps of 64 rows, with Adam, learning rate 0.0003." in answer.out
    assert "lead to its next checkpoint, exactly." in answer.out
    rows = [line.split("│")[1:-1] for line in answer.out.splitlines() if line.startswith("│")]
    assert [row[0].strip() for row in rows] == ["same", "order", "masks"]
    assert [row[1].strip() for row in rows] == ["2", "3", "3"]
    assert [cell.strip() for cell in rows[0][2:5]] == ["0", "0", "1"]
    assert rows[0][5].strip().endswith("± 0")
    assert "[" in rows[1][2]  # with an interval
    begun = [line.split("  ")[0] for line in answer.err.splitlines()]
    assert begun[1:4] == ["the run's own minibatches", "same 1 of 2", "same 2 of 2"]
    assert all(line.endswith(" left") for line in answer.err.splitlines())


def test_files_and_json_hold_the_same_numbers(gradviz: Callable, tiny_runs: Path, tmp_path: Path):
    options = (*ASKED, "--runs", tiny_runs, "--optimizer", "sgd", "--lr", 1e-4, "--rate-factor", 0.5)
    answer = gradviz(*options, "--out", tmp_path / "paths.json", "--json")
    told = json.loads(answer.out)
    assert json.loads((tmp_path / "paths.json").read_text()) == told
    again = gradviz(*options, "--out", tmp_path / "paths.npz")  # known by now
    assert (again.status, again.err) == (0, "")
    assert answer.err != ""
    with np.load(tmp_path / "paths.npz", allow_pickle=False) as npz:
        facts = json.loads(str(npz["told"]))
        assert facts["request"] == told["request"]
        assert facts["learning_rate"] == told["learning_rate"] == 5e-5
        assert npz["steps_T"].tolist() == told["steps"] == [1, 2, 3]
        for name, each in told["conditions"].items():
            assert npz[f"{name}.train_losses_K"].tolist() == each["train_losses"]
            assert npz[f"{name}.losses_KS"].tolist() == each["minibatch_losses"]
            assert len(each["ways"]) == each["replicas"]
            assert len(each["ways"][0]) == len(told["steps"]) + 1
            assert each["ratio"] == pytest.approx(np.array(each["spread"]) / each["step"])
    assert told["conditions"]["order"]["ratio_low"][-1] < told["conditions"]["order"]["ratio"][-1]
    assert told["reproduces"] is None


def test_pictures_show_each_condition_along_the_way(gradviz: Callable, tiny_runs: Path, tmp_path: Path):
    options = (*ASKED, "--runs", tiny_runs, "--conditions", "same,order,masks")
    for suffix in ("png", "html"):
        assert gradviz(*options, "--out", tmp_path / f"paths.{suffix}").status == 0
    assert (tmp_path / "paths.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "paths.html").read_text()
    for name in ("same", "order", "masks", "spread \\u002f mean step", "mean cosine of steps"):
        assert f'"{name}"' in page


def test_a_plane_tells_what_it_is_and_how_much_of_the_ways_it_holds(gradviz: Callable, tiny_runs: Path, tmp_path: Path):
    options = (*ASKED, "--runs", tiny_runs, "--conditions", "order", "--x", "hidden.1.linear.bias[0]", "--y", "step")
    answer = gradviz(*options, "--out", tmp_path / "paths.npz")
    assert answer.status == 0
    [sentence] = [line for line in answer.out.splitlines() if line.startswith("The ways are told in the plane of")]
    assert (
        "plane of hidden.1.linear.bias[0] and step (x = 1: 1 in hidden.1.linear.bias[0]; y = 1: as long as x"
        in sentence
    )
    told = json.loads(gradviz(*options, "--json").out)
    with np.load(tmp_path / "paths.npz", allow_pickle=False) as npz:
        assert npz["plane_MTA"][0].tolist() == told["recorded"]["way"][1:]
        assert json.loads(str(npz["told"]))["plane"]["x"]["text"] == "hidden.1.linear.bias[0]"
        assert npz["coordinates_MTA"].shape == npz["plane_MTA"].shape
    assert percent_of(told["recorded"]["within"]) in sentence
    assert percent_of(min(told["conditions"]["order"]["within"])) in sentence


def test_a_signal_ends_it_with_its_status(gradviz: Callable, tiny_runs: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_arguments: object, stop, **_options: object) -> None:
        stop.ask(15)
        raise Stopped

    monkeypatch.setattr(command, "paths", stopped)
    answer = gradviz(*ASKED, "--runs", tiny_runs)
    assert answer.status == 128 + 15
    assert answer.err == "Stopped. Finished replicas are kept; repeat the command to continue.\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--conditions", "order,other"), "`conditions.1`"),
        (("--optimizer", "adam"), "`optimizer`"),
        (("--replicas", 1), "`replicas`"),
        (("--epoch", 77), "`epoch` of the run dropout must be one of 0-2, got 77."),
        (("--x", "step"), "give both axes of a plane, or neither"),
        (("--x", "step", "--y", "hidden.1.linear.bias"), "`hidden.1.linear.bias`"),
        (("--conditions", "rows"), "leave it out of `--conditions`"),
        (("--out", "paths.csv"), "`--out` must end in .json, .npz, .png, .html"),
    ],
)
def test_a_mistake_gets_one_sentence(gradviz: Callable, tiny_runs: Path, options: tuple, sentence: str):
    answer = gradviz(*ASKED, "--runs", tiny_runs, *options)
    assert answer.status == 2
    assert sentence.lower() in answer.err.splitlines()[-1].lower()
