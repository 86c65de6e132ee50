"""Commands that do what they say: files in six formats, the table of runs, and help that comes at once."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from gradviz.drawing.camera import FIRST, Camera
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest, gradient_landscape
from gradviz.landscape.composed import rows_text

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
SELECTION = ("--run", "none", "--epoch", 1, "--x", X, "--y", Y, "--points", 5, "--minibatch", 1)
COMMANDS = (
    "serve",
    "train",
    "runs",
    "landscape",
    "figure",
    "why",
    "measures",
    "paths",
    "minibatch",
    "bench",
    "worker",
    "report",
)


@pytest.fixture
def write(gradviz: Callable, tiny_runs: Path, tmp_path: Path) -> Callable[..., bytes]:
    def run(suffix: str, *more: object) -> bytes:
        path = tmp_path / f"field.{suffix}"
        answer = gradviz("landscape", *SELECTION, *more, "--runs", tiny_runs, "--out", path)
        assert (answer.status, answer.err) == (0, "")
        assert str(path) in answer.out
        return path.read_bytes()

    return run


def test_npz_holds_what_python_gives(write: Callable, tiny_store: RunStore):
    run = tiny_store.run("none")
    minibatch = run.minibatch(1)
    request = LandscapeRequest.of(run="none", epoch=1, x=X, y=Y, points=5, minibatch=1)
    field = gradient_landscape(run.model(1), minibatch.inputs_BI, minibatch.targets_B, request.spec())
    with np.load(io.BytesIO(write("npz")), allow_pickle=False) as npz:
        for name in ("x", "y", "u", "v", "loss", "is_zero"):
            np.testing.assert_array_equal(npz[name], getattr(field, name))
        assert {npz[name].dtype for name in ("u", "v", "loss")} == {np.dtype("float32")}
        assert npz["is_zero"].dtype == bool
        assert npz["u"].shape == (5, 5)
        assert LandscapeRequest.from_json(str(npz["request"])) == request


def test_csv_and_json_hold_the_same_numbers(write: Callable):
    rows = list(csv.DictReader(io.StringIO(write("csv").decode())))
    values = json.loads(write("json"))
    assert list(rows[0]) == ["x", "y", "u", "v", "loss", "is_zero"]
    assert len(rows) == 25
    for name in ("u", "v", "loss"):
        np.testing.assert_array_equal(
            np.array([float(row[name]) for row in rows], np.float32), np.array(values[name], np.float32).ravel()
        )
    assert [row["is_zero"] == "True" for row in rows] == np.ravel(values["is_zero"]).tolist()
    assert [float(row["x"]) for row in rows[:5]] == values["x"]
    assert values["request"]["epoch"] == 1


def test_png_is_a_picture(write: Callable):
    content = write("png")
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content == write("png")


def test_svg_names_what_it_shows(write: Callable):
    content = write("svg")
    assert ElementTree.fromstring(content).tag.endswith("svg")
    assert content == write("svg")


def test_html_stands_alone(write: Callable):
    page = write("html").decode()
    assert "Plotly.newPlot" in page
    assert not re.search(r"<script[^>]+src=", page)


def test_a_picture_shows_the_loss_as_it_is_asked_to(write: Callable):
    page = write("html", "--under", "surface").decode()
    assert '"type":"surface"' in page
    assert '"type":"quiver"' not in page.split("Plotly.newPlot")[-1]
    pictures = {under: write("svg", "--under", under) for under in ("none", "heat", "contour", "surface")}
    assert len(set(pictures.values())) == 4
    assert pictures["surface"] == write("svg", "--under", "surface")


def test_a_surface_is_seen_from_where_it_is_asked_to(write: Callable):
    first, beside = write("html", "--under", "surface"), write("html", "--under", "surface", "--camera=-120,40,3")
    [camera] = re.findall(r'"camera":(\{.*?\}\})', beside.decode().split("Plotly.newPlot")[-1])
    assert json.loads(camera) == Camera(-120, 40, 3).for_plotly()
    assert camera.encode() not in first
    pictures = {write("png", "--under", "surface", *camera) for camera in ([], [f"--camera={FIRST}"])}
    assert len(pictures) == 1
    assert write("png", "--under", "surface", "--camera=-120,40,3") not in pictures


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--under", "surface", "--camera=front"), "a camera is AROUND,OVER,AWAY"),
        (("--under", "surface", "--camera=0,90,2"), "a camera is AROUND,OVER,AWAY"),
        (("--camera=10,20,2",), "`--camera` is of a surface, got `--under none`: add `--under surface`."),
        (("--under", "sideways"), "none, heat, contour, surface"),
    ],
)
def test_a_view_that_there_is_not_is_refused_in_one_line(
    gradviz: Callable, tiny_runs: Path, tmp_path: Path, options: tuple[str, ...], words: str
):
    asked = ("--run", "none", "--epoch", 1, "--x", X, "--y", Y, "--runs", tiny_runs, "--out", tmp_path / "a.html")
    answer = gradviz("landscape", *asked, *options)
    assert answer.status == 2
    assert words in answer.err.replace("'", "")
    assert len(answer.err.splitlines()) == 1


def test_reference_gives_the_numbers_of_the_engine(write: Callable):
    engine, reference = json.loads(write("json")), json.loads(write("json", "--method", "reference"))
    for name in ("u", "v", "loss"):
        # float32 sums in another order: 1e-5 of the largest.
        largest = np.abs(reference[name]).max()
        np.testing.assert_allclose(engine[name], reference[name], atol=1e-5 * largest)


@pytest.mark.parametrize("suffix", ["npz", "png"])
def test_field_of_zeros_is_written_and_explained(gradviz: Callable, tiny_runs: Path, tmp_path: Path, suffix: str):
    options = ("--run", "batchnorm", "--epoch", 1, "--x", X, "--y", Y, "--points", 5, "--mode", "train")
    answer = gradviz("landscape", *options, "--runs", tiny_runs, "--out", tmp_path / f"zero.{suffix}")
    assert answer.status == 0
    assert "25 arrows are zero" in answer.out
    assert "minibatch mean" in answer.out


def test_minibatch_is_that_of_the_run(gradviz: Callable, tiny_store: RunStore, tiny_runs: Path, tmp_path: Path):
    path = tmp_path / "minibatch.npz"
    typed = ("minibatch", "--run", "dropout", "--minibatch", 2, "--minibatch-size", 16)
    assert gradviz(*typed, "--runs", tiny_runs, "--out", path).status == 0
    expected = tiny_store.run("dropout").minibatch(2, 16)
    with np.load(path, allow_pickle=False) as npz:
        assert set(npz.files) == {"inputs", "targets"}
        np.testing.assert_array_equal(npz["inputs"], expected.inputs_BI.numpy())
        np.testing.assert_array_equal(npz["targets"], expected.targets_B.numpy())


def test_runs_lists_all_variants(gradviz: Callable, tiny_runs: Path):
    answer = gradviz("runs", "--runs", tiny_runs)
    assert answer.status == 0
    assert all(variant in answer.out for variant in ("none", "dropout", "batchnorm"))
    assert "2 of 2" in answer.out


def test_runs_of_an_empty_directory_says_how_to_begin(gradviz: Callable, tmp_path: Path):
    answer = gradviz("runs", "--runs", tmp_path)
    assert answer.status == 0
    assert "gradviz train" in answer.out


def test_training_again_says_that_all_is_trained(gradviz: Callable, own_runs: Path):
    typed = ("train", "--hidden", "20,10,5", "--rows", 300, "--epochs", 2, "--device", "cpu", "--runs", own_runs)
    answer = gradviz(*typed)
    assert (answer.status, answer.err) == (0, "")
    assert "already trained for 2 epochs" in answer.out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str):
    code = f"""
import sys
from gradviz.cli import main
try:
    main([*{[command] if command else []}, "--help"])
except SystemExit as ended:
    assert not ended.code
heavy = {{"torch", "plotly", "pandas", "dash", "numpy", "pydantic", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: gradviz {command}".rstrip())


def test_module_and_script_are_the_same_program():
    script = Path(sys.executable).with_name("gradviz")
    answers = [
        subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        for command in ([sys.executable, "-m", "gradviz"], [str(script)])
    ]
    assert answers[0] == answers[1] == "gradviz 0.1.0\n"


def test_reader_that_goes_away_is_no_failure(tiny_runs: Path):
    command = [sys.executable, "-m", "gradviz", "runs", "--runs", str(tiny_runs)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert "Traceback" not in done.stderr


def test_rows_of_a_minibatch_give_its_numbers_and_the_command_says_how_many_were_chosen(
    gradviz: Callable, tiny_store: RunStore, tiny_runs: Path, tmp_path: Path
):
    rows = rows_text(tiny_store.run("none").row_numbers(2, 16))
    written = {}
    for name, which in {"own": ("--minibatch", 2, "--minibatch-size", 16), "chosen": ("--rows", rows)}.items():
        where = ("--run", "none", "--epoch", 1, *which, "--runs", tiny_runs)
        out = tmp_path / name
        told = gradviz("landscape", *where, "--x", X, "--y", Y, "--points", 5, "--out", out.with_suffix(".npz"))
        assert told.status == 0
        assert ("16 chosen rows, eval mode" in told.out) == (name == "chosen")
        why = gradviz("why", X, *where)
        batch = gradviz("minibatch", *where[:2], *where[4:], "--out", tmp_path / f"{name}-rows.npz")
        assert (why.status, batch.status) == (0, 0)
        with np.load(out.with_suffix(".npz")) as field, np.load(tmp_path / f"{name}-rows.npz") as arrays:
            written[name] = [*(field[key] for key in ("u", "v", "loss")), arrays["inputs"], arrays["targets"], why.out]
    for own, chosen in zip(written["own"], written["chosen"], strict=True):
        np.testing.assert_array_equal(own, chosen)
