"""Which room may import which: read from the source, functions included."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gradviz"
FOUNDATIONS = ("addresses", "errors", "hosts", "numbers", "threads", "__init__")
ROOMS = (
    "experiment",
    "settings",
    "logs",
    "landscape",
    "evidence",
    "compute",
    "drawing",
    "dashboard",
    "report",
    "publish",
    "serving",
    "notebook",
    "commands",
    "parser",
    "cli",
    "__main__",
)
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str:
    """`experiment` of gradviz/experiment/rows.py, `cli` of gradviz/cli.py."""
    return parts[0].removesuffix(".py") if parts else "__init__"


def imported_rooms(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "gradviz":
            names = [f"gradviz.{alias.name}" for alias in node.names if (PACKAGE / alias.name).exists()]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from (room_of(tuple(name.split(".")[1:])) for name in names if name.split(".")[0] == "gradviz")


def outside_names(tree: ast.AST) -> set[str]:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_room_imports_a_higher_one(path: Path):
    room = room_of(path.relative_to(PACKAGE).parts)
    allowed: set[str] = set(FOUNDATIONS)
    if path == PACKAGE / "__init__.py":
        allowed |= {"experiment", "drawing", "notebook"}  # for type checkers alone: the names for users
    if room in ROOMS:
        allowed |= set(ROOMS[: ROOMS.index(room) + 1])
    wrong = set(imported_rooms(ast.parse(path.read_text()))) - allowed
    assert not wrong, f"{path.name} in {room} imports {wrong}"


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("experiment", {"dash", "plotly", "flask", "diskcache"}),
        ("landscape", {"dash", "plotly", "flask", "diskcache", "filelock", "safetensors"}),
        ("compute", {"dash", "plotly", "flask"}),
        ("drawing", {"torch", "dash", "flask", "diskcache"}),
        ("evidence", {"dash", "plotly", "flask", "diskcache", "matplotlib"}),
    ],
)
def test_lower_rooms_know_nothing_of_pages(room: str, strangers: set[str]):
    files = [path for path in (PACKAGE / room).glob("*.py") if path.name != "bench.py"]  # it times the loading of files
    found = {path.name: outside_names(ast.parse(path.read_text())) & strangers for path in files}
    assert not {name for name, names in found.items() if names}


def test_drawing_needs_fields_alone():
    """So that pictures are drawn of any field, wherever it was computed."""
    imported = {
        room for path in (PACKAGE / "drawing").glob("*.py") for room in imported_rooms(ast.parse(path.read_text()))
    }
    assert imported - set(FOUNDATIONS) <= {"experiment", "landscape", "drawing"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_inside_functions_stand_in_the_top_room_only(path: Path):
    if room_of(path.relative_to(PACKAGE).parts) in ("cli", "commands"):
        return
    functions = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    late = [n for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not late


def test_importing_everything_does_nothing():
    names = [".".join(("gradviz", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in FILES]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = f"""
import logging, os, sys, threading
import numpy, torch

def state():
    torch_state = torch.get_num_threads(), torch.initial_seed(), torch.get_default_dtype()
    states = torch.random.get_rng_state().sum().item(), str(numpy.random.get_state())
    return *torch_state, *states, list(logging.root.handlers), logging.root.level, os.listdir()

before = state()
for name in {names!r}:
    __import__(name)
assert state() == before
assert threading.active_count() == 1
"""
    options = ["-W", "error", *(part for ignored in ALLOWED_WARNINGS for part in ("-W", ignored))]
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


ALLOWED_WARNINGS: tuple[str, ...] = ()
