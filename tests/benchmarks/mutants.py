"""Changes the code by chance, one place at a time, and counts the changes that no test notices.

`python -m tests.benchmarks.mutants [--mutants 200] [--first 0] [--seed 0] [--rooms landscape,drawing,evidence]
[--processes 2] [--near]`, with `pip install -c constraints.txt '.[mutants]'`: cosmic-ray knows what to change:
operators, comparisons, numbers, conditions, loops. Each mutant is tried in a copy of the tree by the tests that import
its module, then by all of its room's; `--near` leaves these out, which kills fewer in a fraction of the time. One that
cannot be imported is no mutant, and another is drawn. Survivors are printed as differences. `--first` leaves out as
many places: the check can be made in parts. `--again FILE` tries those that survived, of which FILE has the
differences, once more; rooms and seed must be those of FILE.
"""

import argparse
import ast
import difflib
import importlib
import itertools
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cosmic_ray.ast import get_ast  # pyright: ignore[reportMissingImports]
from cosmic_ray.mutating import mutate_code  # pyright: ignore[reportMissingImports]
from cosmic_ray.plugins import get_operator, operator_names  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).parents[2]
ROOMS = "landscape,drawing,evidence"
LIMIT_SECONDS = 400.0
_MUTATES = ("Binary", "Comparison", "Number", "Unary", "Boolean", "AddNot", "Break", "Continue", "ZeroIteration")
_UNUSABLE = 99  # exit status of a module that cannot be imported
_forks = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Mutant:
    """One place of a file, changed."""

    path: Path
    line: int
    code: str

    @property
    def module(self) -> str:
        return ".".join(self.path.with_suffix("").parts)

    def difference(self) -> str:
        lines = difflib.unified_diff(
            (ROOT / self.path).read_text().splitlines(), self.code.splitlines(), str(self.path), "mutant", "", "", 1, ""
        )
        return "\n".join(lines)


def places_of(path: Path) -> dict[tuple[Path, int, int], list[tuple[str, int]]]:
    """What can be done at each place (path, line, column): which operator, and how many of its places come before."""
    source = (ROOT / path).read_text()
    annotated = {
        line
        for node in ast.walk(ast.parse(source))
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if part is not None
        for line in range(part.lineno, part.end_lineno + 1)
    }
    nodes = list(_nodes(get_ast(source)))
    found = defaultdict(list)
    for name in operator_names():
        if name.partition("/")[2].startswith(_MUTATES):
            operator = get_operator(name)()
            starts = [start for node in nodes for start, _end in operator.mutation_positions(node)]
            for occurrence, (line, column) in enumerate(starts):
                if line not in annotated:
                    found[path, line, column].append((name, occurrence))
    return found


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", ()):
        yield from _nodes(child)


def drawn(rooms: Sequence[str], seed: int) -> Iterator[Mutant]:
    """One mutant at each place, in an order by chance."""
    choose = random.Random(seed)
    paths = [path.relative_to(ROOT) for room in rooms for path in sorted((ROOT / "gradviz" / room).rglob("*.py"))]
    places = {place: ways for path in paths if path.name != "bench.py" for place, ways in places_of(path).items()}
    for (path, line, _column), ways in choose.sample(list(places.items()), len(places)):
        name, occurrence = choose.choice(ways)
        source = (ROOT / path).read_text()
        code = mutate_code(source, get_operator(name)(), occurrence)
        if code not in (None, source):
            yield Mutant(path, line, code)


def tests_of(mutant: Mutant, tree: Path, *, near_alone: bool) -> list[list[str]]:
    """The tests that import the mutant's module, and then all of its room, unless `near_alone`."""
    room = mutant.path.parts[1]
    named = re.compile(rf"\b{re.escape(mutant.module)}\b|from {re.escape(mutant.module.rpartition('.')[0])} import")
    files = sorted((tree / "tests").rglob("test_*.py"), key=lambda path: path.stat().st_size)
    paths = [path for path in files if "browser" not in path.parts and named.search(path.read_text())]
    near = [str(path.relative_to(tree)) for path in paths]
    return [near] if near_alone else [near, [f"tests/{room}"]]


def tried(mutant: Mutant, tree: Path, *, near_alone: bool) -> str:
    """`killed`, `survived` or `unusable`."""
    file = tree / mutant.path
    original = file.read_text()
    file.write_text(mutant.code)
    try:
        for tests in tests_of(mutant, tree, near_alone=near_alone):
            if not tests:
                continue
            process = _forks.Process(target=_run, args=(str(tree), mutant.module, tests))
            process.start()
            process.join(LIMIT_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            if process.exitcode == _UNUSABLE:
                return "unusable"
            if process.exitcode != 0:
                return "killed"
        return "survived"
    finally:
        file.write_text(original)


def _run(tree: str, module: str, tests: list[str]) -> None:
    os.chdir(tree)
    sys.path[:] = [tree, *(entry for entry in sys.path if entry not in ("", str(ROOT)))]
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = tree
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        importlib.import_module(module)
    except BaseException:  # noqa: BLE001  (whatever it is, this is no mutant)
        os._exit(_UNUSABLE)
    os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not browser", *tests])))


def copied(directory: Path) -> Path:
    """The tree as git knows it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return directory


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", default=ROOMS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--near", action="store_true")
    parser.add_argument("--again", type=Path)
    asked = parser.parse_args()
    _forks.set_forkserver_preload(["torch", "pandas", "plotly", "matplotlib"])
    os.environ["OMP_NUM_THREADS"] = "1"
    waiting = itertools.islice(drawn(asked.rooms.split(","), asked.seed), asked.first, None)
    if asked.again:
        told = asked.again.read_text()
        waiting = (mutant for mutant in waiting if mutant.difference() in told)
    taking = threading.Lock()
    outcomes: list[tuple[str, Mutant]] = []
    began = time.monotonic()

    def work(tree: Path) -> None:
        while sum(outcome != "unusable" for outcome, _ in outcomes) < asked.mutants:
            with taking:
                mutant = next(waiting, None)
            if mutant is None:
                return
            outcome = tried(mutant, tree, near_alone=asked.near)
            outcomes.append((outcome, mutant))
            print(f"{time.monotonic() - began:6.0f} s  {outcome:9}{mutant.path}:{mutant.line}", flush=True)
            if outcome == "survived":
                print(mutant.difference(), flush=True)

    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(asked.processes) as threads:
        trees = [copied(Path(directory) / str(number)) for number in range(asked.processes)]
        for room in [] if asked.again else asked.rooms.split(","):
            path = next((ROOT / "gradviz" / room).glob("[a-z]*.py")).relative_to(ROOT)
            if tried(Mutant(path, 1, (ROOT / path).read_text()), trees[0], near_alone=asked.near) != "survived":
                sys.exit(f"The tests of {room} fail as they are: mend that first.")
        for done in [threads.submit(work, tree) for tree in trees]:
            done.result()
    num = sum(outcome != "unusable" for outcome, _ in outcomes)
    num_killed = sum(outcome == "killed" for outcome, _ in outcomes)
    print(f"{num_killed} of {num} mutants killed: {num_killed / num:.1%}; {len(outcomes)} places after {asked.first}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
