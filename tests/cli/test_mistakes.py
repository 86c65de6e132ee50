"""Every mistake of a user gets status 2 and one clear line on stderr, and loses nothing."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
GOOD = {"--run": "none", "--epoch": "1", "--x": X, "--y": Y, "--out": "OUT/field.npz", "--runs": "RUNS"}


def landscape(**changes: str | None) -> list[str]:
    """The command line of a good landscape with some options changed, or left out (None)."""
    options = GOOD | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return ["landscape", *(part for name, value in options.items() if value is not None for part in (name, value))]


# what is typed (RUNS: the tiny runs, OUT: an empty directory), and what the line must name
MISTAKES = {
    "no command": ([], "COMMAND"),
    "unknown command": (["tran"], "tran"),
    "unknown option": (["train", "--epoch", "3"], "--epoch"),
    "report without a place": (["report"], "--out"),
    "report of no seed": (["report", "--out", "OUT/report", "--seeds", "one"], "--seeds"),
    "report of a small network": (
        ["report", "--out", "OUT/report", "--runs", "OUT/new", "--hidden", "20,10"],
        "at least 3 layers",
    ),
    "report into a file": (["report", "--out", "OUT/file", "--runs", "RUNS"], "is a file"),
    "report of another configuration": (["report", "--out", "OUT/report", "--rows", "400", "--runs", "RUNS"], "rows"),
    "worker of unknown queues": (["worker", "--queues", "fast"], "interactive,batch,training"),
    "no run": (landscape(run=None), "--run"),
    "unknown run": (landscape(run="layernorm"), "batchnorm"),
    "run that climbs": (landscape(run="../none"), "run"),
    "epoch as text": (landscape(epoch="last"), "--epoch"),
    "negative epoch": (landscape(epoch="-1"), "epoch"),
    "epoch not trained": (landscape(epoch="7"), "0-2"),
    "unknown parameter": (landscape(x="hidden.1.linear.bais[0]"), "hidden.1.linear.bais[0]"),
    "layer not there": (landscape(x="hidden.9.linear.bias[0]"), "hidden.9.linear.bias"),
    "norm not there": (landscape(x="hidden.0.norm.weight[0]"), "hidden.0.norm.weight"),
    "unit not there": (landscape(x="hidden.1.linear.bias[10]"), "0..9"),
    "negative unit": (landscape(x="hidden.1.linear.bias[-1]"), "[-1]"),
    "weight with one index": (landscape(x="hidden.1.linear.weight[0]"), "two indices"),
    "the same parameter twice": (landscape(y=X), "two different"),
    "minibatch not there": (landscape(minibatch="99"), "99"),
    "negative minibatch": (landscape(minibatch="-1"), "minibatch"),
    "minibatch of no rows": (landscape(minibatch_size="0"), "minibatch_size"),
    "minibatch too large": (landscape(minibatch_size="2000"), "1024"),
    "no rows": (landscape(rows=""), "`rows` must name 1 to 1024 rows, got none"),
    "rows as text": (landscape(rows="some"), "3,17,20-24"),
    "a row twice": (landscape(rows="3,4,3"), "3 more than once"),
    "too many rows": (landscape(rows="0-1024"), "1 to 1024"),
    "test row": (landscape(rows="3,250"), "[0, 239], got 250, a test row"),
    "row not there": (landscape(rows="3000"), "[0, 239], got 3000"),
    "rows beside a minibatch": (landscape(rows="3,4", minibatch="2"), "--minibatch"),
    "rows of why": (["why", X, "--run", "none", "--epoch", "1", "--runs", "RUNS", "--rows", "250"], "a test row"),
    "rows of a minibatch to a file": (
        ["minibatch", "--run", "none", "--runs", "RUNS", "--rows", "1,1", "--out", "OUT/a.npz"],
        "1 more than once",
    ),
    "even grid": (landscape(points="20"), "odd"),
    "huge grid": (landscape(points="1001"), "201"),
    "grid of one point": (landscape(points="1"), "3"),
    "no width": (landscape(half_width="0"), "half_width"),
    "negative width": (landscape(half_width="-0.1"), "half_width"),
    "width that is no number": (landscape(half_width="nan"), "half_width"),
    "infinite width": (landscape(half_width="inf"), "half_width"),
    "unknown mode": (landscape(mode="test"), "train"),
    "unknown masks": (landscape(masks="new"), "frozen"),
    "no masks": (landscape(num_masks="0"), "num_masks"),
    "negative seed": (landscape(seed="-1"), "seed"),
    "unknown method": (landscape(method="magic"), "reference"),
    "unknown format": (landscape(out="OUT/field.gif"), ".npz"),
    "no directory for the file": (landscape(out="OUT/none/field.npz"), "OUT/none"),
    "a directory as file": (landscape(out="OUT/directory.npz"), "directory.npz"),
    "no runs": (landscape(runs="OUT"), "gradviz train"),
    "minibatch to csv": (
        ["minibatch", "--run", "none", "--minibatch", "0", "--runs", "RUNS", "--out", "a.csv"],
        ".npz",
    ),
    "minibatch without a number": (["minibatch", "--run", "none", "--out", "OUT/a.npz"], "--minibatch"),
    "train no epoch": (["train", "--epochs", "0", "--runs", "OUT/new"], "epochs"),
    "train too few rows": (["train", "--rows", "3", "--runs", "OUT/new"], "rows"),
    "train unknown preset": (["train", "--preset", "fast", "--runs", "OUT/new"], "quick"),
    "train unknown variant": (["train", "--variants", "none,layernorm", "--runs", "OUT/new"], "layernorm"),
    "train a variant twice": (["train", "--variants", "none,none", "--runs", "OUT/new"], "once"),
    "train layers as text": (["train", "--hidden", "20;10", "--runs", "OUT/new"], "20;10"),
    "train layer of no unit": (["train", "--hidden", "20,0", "--runs", "OUT/new"], "hidden"),
    "train unknown placement": (["train", "--norm-placement", "within", "--runs", "OUT/new"], "before"),
    "train unknown device": (["train", "--device", "tpu", "--runs", "OUT/new"], "cuda"),
    "train from no table": (["train", "--data", "OUT/none.csv", "--runs", "OUT/new"], "none.csv"),
    "train from an empty table": (["train", "--data", "OUT/empty.csv", "--runs", "OUT/new"], "empty.csv"),
    "train from a table without columns": (["train", "--data", "OUT/columns.csv", "--runs", "OUT/new"], "no column"),
    "train another configuration": (["train", "--rows", "400", "--runs", "RUNS"], "--fresh"),
    "train into a file": (["train", "--runs", "OUT/file"], "--runs"),
    "serve on a port as text": (["serve", "--port", "http"], "--port"),
    "serve on a port too high": (["serve", "--port", "70000"], "--port"),
    "serve at no address": (["serve", "--host", "no such host", "--port", "8471"], "no such host"),
    "serve elsewhere": (["serve", "--host", "192.0.2.1", "--port", "8471"], "192.0.2.1"),
    "bench to no directory": (["bench", "--json", "OUT/none/bench.json"], "OUT/none"),
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "directory.npz").mkdir()
    (directory / "file").write_text("kept")
    (directory / "empty.csv").write_text("")
    (directory / "columns.csv").write_text("a,b\n1,2\n")
    return directory


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_gets_status_2_and_one_clear_line(
    name: str, gradviz: Callable, own_runs: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(out)
    typed, named = MISTAKES[name]
    arguments = [part.replace("RUNS", str(own_runs)).replace("OUT", str(out)) for part in typed]
    before = contents(own_runs)
    answer = gradviz(*arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("gradviz: error: ")
    assert answer.err.count("\n") == 1
    assert answer.err.endswith("\n")
    assert named.replace("OUT", str(out)) in answer.err
    assert contents(own_runs) == before
    assert not list(out.rglob("*.partial"))


def test_there_are_at_least_thirty_mistakes():
    assert len(MISTAKES) >= 30


def contents(directory: Path) -> dict[str, str]:
    """Digests of all files but the locks, which a refused training may have touched."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("trainer.")
    }


SETTINGS = {
    "GRADVIZ_PORT": "none",
    "GRADVIZ_CACHE_BYTES": "10",
    "GRADVIZ_DEVICE": "tpu",
    "GRADVIZ_THREADS": "-1",
    "GRADVIZ_WORKERS": "0",
    "GRADVIZ_READ_ONLY": "perhaps",
    "GRADVIZ_PRESET": "fast",
    "GRADVIZ_VARIANTS": "none,layernorm",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_wrong_setting_is_named_with_its_value(name: str, gradviz: Callable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, SETTINGS[name])
    answer = gradviz("runs")
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert name in answer.err


def test_broken_checkpoint_is_named_and_the_rest_is_served(gradviz: Callable, own_runs: Path, out: Path):
    broken = own_runs / "none" / "epoch-0001.safetensors"
    broken.write_bytes(broken.read_bytes()[:1000])
    answer = gradviz(*[part.replace("RUNS", str(own_runs)).replace("OUT", str(out)) for part in landscape()])
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "epoch-0001.safetensors" in answer.err
    assert "epoch-0001.safetensors" in gradviz("runs", "--runs", own_runs).out
    good = [part.replace("RUNS", str(own_runs)).replace("OUT", str(out)) for part in landscape(epoch="2")]
    assert gradviz(*good).status == 0


def test_broken_run_is_named(gradviz: Callable, own_runs: Path):
    (own_runs / "none" / "run.json").write_text(json.dumps({"variant": "none"}))
    answer = gradviz("minibatch", "--run", "none", "--minibatch", 0, "--runs", own_runs, "--out", own_runs / "a.npz")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "run.json" in answer.err


def test_file_that_was_there_stays_when_the_command_is_refused(gradviz: Callable, tiny_runs: Path, out: Path):
    (out / "field.npz").write_text("earlier")
    typed = landscape(points="20")
    gradviz(*[part.replace("RUNS", str(tiny_runs)).replace("OUT", str(out)) for part in typed])
    assert (out / "field.npz").read_text() == "earlier"
