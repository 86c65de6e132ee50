"""Names and values that no user means: of 5,000 characters, not UTF-8, of files that are none. One sentence each."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LONG, NOT_UTF8, NUL = "n" * 5000, b"caf\xe9".decode("utf-8", "surrogateescape"), "a\0b"
X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
LANDSCAPE = {"--run": "none", "--epoch": "1", "--x": X, "--y": Y, "--out": "field.npz"}
MINIBATCH = {"--run": "none", "--minibatch": "0", "--out": "minibatch.npz"}
PATHS = {"--run": "none", "--epoch": "1", "--out": "paths.npz"}
RUN = {"--data": "", "--preset": "", "--epochs": "", "--rows": "", "--hidden": "", "--norm-placement": ""}

# Of each command the options that it needs, and those that take a text.
COMMANDS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "landscape": (
        LANDSCAPE,
        (
            *LANDSCAPE,
            "--runs",
            "--minibatch",
            "--minibatch-size",
            "--mode",
            "--masks",
            "--num-masks",
            "--half-width",
            "--points",
            "--seed",
            "--method",
            "--study",
        ),
    ),
    "minibatch": (MINIBATCH, (*MINIBATCH, "--runs", "--minibatch-size")),
    "paths": (PATHS, (*PATHS, "--runs", "--replicas", "--conditions", "--optimizer", "--lr", "--seed", "--study")),
    "runs": ({}, ("--runs",)),
    "train": ({}, (*RUN, "--variants", "--seed", "--device", "--runs")),
    "report": ({"--out": "report"}, (*RUN, "--out", "--seeds", "--device", "--runs")),
    "serve": ({}, ("--runs", "--host", "--port", "--study")),
    "worker": ({}, ("--runs", "--device", "--queues", "--study")),
    "bench": ({}, ("--json",)),
}
PLACES = [(command, option) for command, (_, options) in COMMANDS.items() for option in options]


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def typed(command: str, option: str, value: str) -> list[str]:
    options = COMMANDS[command][0] | {option: value}
    return [command, *(part for pair in options.items() for part in pair)]


def check(answer) -> None:
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("gradviz: error: ")
    assert answer.err.count("\n") == 1
    assert answer.err[:-1].isprintable()
    assert len(answer.err) < 1200
    assert os.listdir() in ([], ["fifo.npz"], ["checkpoints"])


@pytest.mark.parametrize("value", [LONG, NOT_UTF8, NUL, f"{LONG}.npz", "n " * 2500], ids=str.__len__)
@pytest.mark.parametrize(("command", "option"), PLACES, ids=lambda part: str(part))
def test_a_value_that_nobody_means_gets_one_printable_line(command: str, option: str, value: str, gradviz: Callable):
    check(gradviz(*typed(command, option, value)))


@pytest.mark.parametrize("value", [LONG, NOT_UTF8, NUL], ids=["long", "not UTF-8", "NUL"])
def test_commands_and_options_that_are_none_get_one_printable_line(value: str, gradviz: Callable):
    check(gradviz(value))
    check(gradviz("runs", f"--{value}"))
    check(gradviz("runs", value))


NUMBERS = ("9" * 5000, "1e999", "-1e999", "nan", "\u0661", "1_0", "0x10", "", " ", "--", "1.5", "-" + "9" * 30)


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("landscape", "--half-width"),
        ("landscape", "--points"),
        ("train", "--epochs"),
        ("train", "--rows"),
        ("landscape", "--num-masks"),
        ("serve", "--port"),
        ("report", "--seeds"),
        ("train", "--hidden"),
    ],
    ids=lambda part: str(part),
)
def test_a_number_that_is_none_gets_one_printable_line(command: str, option: str, value: str, gradviz: Callable):
    if (option, value) in {("--half-width", "\u0661"), ("--half-width", "1.5"), ("--half-width", "1_0")}:
        value = "inf"
    if value in ("\u0661", "1_0", " "):
        value += "x"
    check(gradviz(*typed(command, option, value)))


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (os.mkfifo, "is a FIFO"),
    "device": (lambda path: path.symlink_to("/dev/null"), "is a device"),
    "directory": (Path.mkdir, "is a directory"),
    "loop": (lambda path: path.symlink_to(path), "lead in a circle"),
}


@pytest.mark.parametrize(("make", "reason"), ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    ("command", "option", "name"),
    [("landscape", "--out", "out.npz"), ("minibatch", "--out", "out.npz"), ("bench", "--json", "out.json")],
)
def test_what_is_no_file_is_not_written_to(
    command: str, option: str, name: str, make: Callable[[Path], object], reason: str, gradviz: Callable
):
    make(Path(name))
    answer = gradviz(*typed(command, option, name))
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert f"`{option}`" in answer.err
    assert reason in answer.err


@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, lambda path: path.symlink_to(path)])
def test_a_report_is_written_into_a_directory(make: Callable[[Path], object], gradviz: Callable):
    make(Path("report"))
    answer = gradviz("report", "--out", "report")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "`--out`" in answer.err


@pytest.mark.parametrize("command", ["runs", "landscape", "minibatch", "train", "report"])
@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, lambda path: path.symlink_to(path)])
def test_runs_are_kept_in_a_directory(command: str, make: Callable[[Path], object], gradviz: Callable):
    make(Path("there"))
    answer = gradviz(*typed(command, "--runs", "there"))
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "there" in answer.err


@pytest.mark.parametrize("variable", ["GRADVIZ_RUNS", "GRADVIZ_CACHE_DIR", "GRADVIZ_DEVICE", "GRADVIZ_HOST"])
@pytest.mark.parametrize("value", [LONG, NOT_UTF8], ids=["long", "not UTF-8"])
def test_a_variable_of_the_environment_that_nobody_means_gets_one_printable_line(
    variable: str, value: str, gradviz: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, value)
    check(gradviz("serve", "--port", "0x"))


def test_a_terminal_of_another_encoding_and_bytes_of_the_shell_end_in_no_traceback(tmp_path: Path):
    """One process for what only a shell can give: bytes, and an encoding that does not know é."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    command = [sys.executable, "-c", "import sys; from gradviz.cli import main; sys.exit(main())", "runs"]
    for argument, status in ((b"--runs=caf\xe9", 2), (b"--runs=caf\xc3\xa9", 0)):
        done = subprocess.run(
            [*command, argument], cwd=tmp_path, env=environment, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == status, done.stderr
        assert b"Traceback" not in done.stderr


READING = (
    ["runs"],
    ["minibatch", "--run", "none", "--minibatch", "0", "--minibatch-size", "16", "--out", "out.npz"],
    ["landscape", *(part for pair in LANDSCAPE.items() for part in pair), "--points", "3"],
    ["train", "--variants", "none"],
)
FILES = ("run.json", "rows.safetensors", "metrics.csv", "epoch-0001.safetensors", "trainer.lock", "trainer.json")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_an_odd_file_among_the_runs_ends_no_command_in_a_traceback(
    make: Callable[[Path], object], gradviz: Callable, own_runs: Path
):
    for name in FILES:
        path, kept = own_runs / "none" / name, Path("kept")
        if path.exists():
            path.rename(kept)
        make(path)
        for command in READING:
            answer = gradviz(*command, "--runs", own_runs)
            assert answer.status in (0, 2), (name, command, answer.err)
            assert answer.err.count("\n") <= 1
        assert "none" in gradviz("runs", "--runs", own_runs).out
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if kept.exists():
            kept.rename(path)
