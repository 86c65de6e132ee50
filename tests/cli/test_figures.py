"""`gradviz figure`, and `gradviz landscape` for print: recipes are checked, and give the figure they describe."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
PANEL = {"run": "none", "epoch": 1, "x": X, "y": Y, "points": 5}
RECIPE: dict[str, Any] = {"kind": "pdf", "width_in": 3.25, "range": "frame", "panels": [PANEL]}


@pytest.fixture
def figure(gradviz: Callable, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)

    def run(recipe: object, *more: object) -> Any:
        (tmp_path / "recipe.json").write_text(recipe if isinstance(recipe, str) else json.dumps(recipe))
        return gradviz("figure", "recipe.json", "--runs", tiny_runs, *more)

    return run


def width_of(pdf: bytes) -> float:
    [width] = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+)", pdf)
    return float(width) / 72


@pytest.mark.parametrize(("width", "inches"), [("column", 3.25), ("text", 5.5), ("page", 6.75), ("4.5", 4.5)])
def test_a_landscape_for_print_is_as_wide_as_asked_and_says_its_conditions(
    gradviz: Callable, tiny_runs: Path, tmp_path: Path, width: str, inches: float
):
    path = tmp_path / "f.pdf"
    options = ("--run", "none", "--epoch", 1, "--x", X, "--y", Y, "--points", 5, "--runs", tiny_runs, "--out", path)
    answer = gradviz("landscape", *options, "--width", width, "--direction", "descent", "--length", "unit")
    assert (answer.status, answer.err) == (0, "")
    assert width_of(path.read_bytes()) == pytest.approx(inches)
    caption = answer.out.splitlines()[-1]
    for words in (
        "run none; epoch 1",
        "eval mode",
        f"across Δ b₀ of hidden layer 1, {X} (checkpoint: ",
        "5 × 5 points",
        "−∇J",
        "All arrows have one length",
    ):
        assert words in caption


def test_the_looks_of_a_landscape_differ(gradviz: Callable, tiny_runs: Path, tmp_path: Path):
    options = ("--run", "none", "--epoch", 1, "--x", X, "--y", Y, "--points", 5, "--runs", tiny_runs)
    looks = [(), ("--colours", "okabe-ito"), ("--colours", "grey"), ("--scheme", "dark"), ("--length", "true")]
    looks += [("--direction", "descent"), ("--under", "heat"), ("--width", "3.25"), ("--width", "3.25", "--no-titles")]
    made = set()
    for look in looks:
        assert gradviz("landscape", *options, *look, "--out", tmp_path / "f.svg").status == 0
        made.add((tmp_path / "f.svg").read_bytes())
    assert len(made) == len(looks)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--width", "1"), "neither column, text, page nor inches from 2 to 20"),
        (("--width", "nan"), "neither column, text, page nor inches from 2 to 20"),
        (("--width", "wide"), "'wide' is neither"),
        (("--colours", "rainbow"), "okabe-ito"),
        (("--no-titles",), "`--no-titles` is of a figure for print: add `--width`"),
    ],
)
def test_a_mistake_in_how_it_looks_gets_one_sentence(
    gradviz: Callable, tiny_runs: Path, tmp_path: Path, options: tuple[str, ...], words: str
):
    given = ("--run", "none", "--epoch", 1, "--x", X, "--y", Y, "--runs", tiny_runs, "--out", tmp_path / "f.pdf")
    answer = gradviz("landscape", *given, *options)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert words in answer.err


def test_a_recipe_gives_its_file_under_a_name_that_tells_what_is_in_it(figure: Callable, tmp_path: Path):
    answer = figure(RECIPE)
    assert (answer.status, answer.err) == (0, "")
    path = tmp_path / "none-epoch-1-minibatch-0.pdf"
    assert answer.out.startswith(f"{path.name}: 1 panel\nGradient landscape: run none")
    assert width_of(path.read_bytes()) == pytest.approx(3.25)
    assert figure(RECIPE, "--width", "text", "--out", "wide.pdf").status == 0
    assert width_of((tmp_path / "wide.pdf").read_bytes()) == pytest.approx(5.5)


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png", "gif", "webp", "html"])
def test_the_suffix_chooses_the_kind(figure: Callable, tmp_path: Path, suffix: str):
    answer = figure(RECIPE, "--out", f"f.{suffix}")
    assert (answer.status, answer.err) == (0, "")
    begin = {
        "pdf": b"%PDF",
        "svg": b"<?xml",
        "png": b"\x89PNG",
        "gif": b"GIF89a",
        "webp": b"RIFF",
        "html": b"<!doctype",
    }
    assert (tmp_path / f"f.{suffix}").read_bytes().lower().startswith(begin[suffix].lower())


@pytest.mark.parametrize("content", ["multiples", "rose", "matrix"])
@pytest.mark.parametrize("part", ["pair", "model"])
def test_all_minibatches_are_a_figure(figure: Callable, content: str, part: str):
    panel = PANEL | {"minibatch_size": 16}
    answer = figure(RECIPE | {"content": content, "part": part, "panels": [panel]}, "--out", "f.pdf")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"f.pdf: {content}\n")
    assert ("`model`" in answer.out) == (content == "matrix" and part == "model")


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("[]", "holds no recipe"),
        ("{", "cannot be used"),
        (RECIPE | {"colour": "grey"}, "`colour` is unknown: a recipe takes"),
        (RECIPE | {"width_in": 1}, "width_in"),
        (RECIPE | {"width_in": "3.25"}, "width_in"),
        (RECIPE | {"panels": []}, "panels"),
        (RECIPE | {"panels": [PANEL | {"epoch": 77}]}, "no epoch 77"),
        (RECIPE | {"panels": [PANEL | {"run": "nobody"}]}, "nobody"),
        (RECIPE | {"panels": [PANEL, PANEL], "content": "rose"}, "`rose` is of one panel"),
        (RECIPE | {"content": "matrix", "part": "hidden.9"}, "hidden.9"),
        (RECIPE | {"minus": 3}, "`minus` must be one of the panels"),
        (RECIPE | {"titles": "no"}, "titles"),
    ],
)
def test_a_recipe_is_checked_strictly(figure: Callable, tmp_path: Path, recipe: Any, words: str):
    answer = figure(recipe, "--out", "f.pdf")
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert words in answer.err
    assert not (tmp_path / "f.pdf").exists()
