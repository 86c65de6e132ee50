"""Vectors of directions are made once, and anew when anything that they are made from changes."""

import shutil
from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load_file, save_file

from gradviz.compute import directions
from gradviz.compute.cache import FieldCache
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.vectors import KeptVectors, bytes_of_vector, vector_of_bytes
from gradviz.compute.workbench import Workbench
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.directions.resolving import vector_of
from gradviz.landscape.directions.vector import Vector


def request(x: str = "pca:1", y: str = "gradient:mean", run: str = "none", **values) -> LandscapeRequest:
    own = {"minibatch_size": 16, "points": 3, "epoch": 2} | values
    return LandscapeRequest.of(run=run, x=x, y=y, **own)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The axes whose vectors are made, in order."""
    names: list[str] = []

    def counted(axis, where) -> Vector:
        names.append(str(axis))
        return vector_of(axis, where)

    monkeypatch.setattr(directions, "vector_of", counted)
    return names


def test_what_asks_for_the_same_directions_does_not_make_them_again(tiny_store, made):
    bench = Workbench(tiny_store)
    first = bench.landscape(request()).to_bytes()
    assert made == ["pca:1", "gradient:mean"]
    for other in (request(points=5), request(half_width=0.3), request(minibatch=1), request("pca:1", "gradient:mean")):
        bench.landscape(other)
    PlaneQuestion(request=request()).answer(bench)
    bench.direction_landscape(request())
    assert made == ["pca:1", "gradient:mean"]
    bench.landscape(request(y="pca:1", x="pca:2"))
    bench.landscape(request(epoch=1))  # the path is the same one, the gradient is another
    assert made == ["pca:1", "gradient:mean", "pca:2", "gradient:mean"]
    assert bench.landscape(request()).to_bytes() == first == Workbench(tiny_store).landscape(request()).to_bytes()


@pytest.mark.parametrize(
    ("x", "changes", "makes"),
    [
        ("gradient:0", {"minibatch": 1}, False),
        ("gradient:0", {"minibatch_size": 8}, True),
        ("gradient:0", {"seed": 1}, True),
        ("gradient:0", {"points": 5}, True),  # with fresh masks the middle point draws others
        ("gradient:0", {"points": 5, "masks": "frozen"}, True),  # other masks than the fresh ones
        ("gradient:0", {"mode": "eval"}, True),
        ("random:1", {"seed": 1, "minibatch_size": 8, "mode": "eval", "points": 5, "minibatch": 1}, False),
        ("hessian:1", {"half_width": 0.5}, False),
        ("hessian:1", {"minibatch": 1}, True),
        ("step", {"epoch": 1}, True),
        ("step", {"minibatch": 1, "mode": "eval"}, False),
    ],
)
def test_a_vector_is_made_again_where_it_depends_on_what_changed_and_only_there(x, changes, makes, tiny_store, made):
    bench = Workbench(tiny_store)
    asked = request(x, "random:9", run="dropout", mode="train", masks="fresh")
    bench.span(asked)
    bench.span(asked.model_copy(update=changes))
    assert made.count(x) == 1 + makes


def test_frozen_masks_are_the_same_on_every_grid(tiny_store, made):
    bench = Workbench(tiny_store)
    for points in (3, 5):
        bench.span(request("gradient:0", "random:1", run="dropout", mode="train", masks="frozen", points=points))
    assert made.count("gradient:0") == 1


def test_vectors_that_take_long_outlast_the_process_and_are_the_same_numbers(tiny_store, tmp_path, made):
    asked = [request(), request("hessian:1", "random:1")]

    def fields() -> list[bytes]:
        with FieldCache(tmp_path / "cache") as cache:
            bench = Workbench(tiny_store, cache=cache)
            return [bench.landscape(each).to_bytes() for each in asked]

    before = fields()
    assert made == ["pca:1", "gradient:mean", "hessian:1", "random:1"]
    made.clear()
    assert fields() == before
    assert made == ["random:1"]


@pytest.mark.parametrize("x", ["pca:1", "step", "towards:dropout/1", "gradient:mean"])
def test_another_checkpoint_that_it_is_made_from_is_another_vector(x, tiny_runs, tmp_path, made):
    runs = shutil.copytree(tiny_runs, tmp_path / "runs")
    asked = request(x, "random:1")
    with FieldCache(tmp_path / "cache") as cache:
        bench = Workbench(RunStore(runs), cache=cache)
        before = bench.span(asked).x
        path = checkpoint_path(runs / ("dropout" if x.startswith("towards") else "none"), 1)
        state = load_file(path)
        state["output.bias"] += 1
        save_file(state, path)
        after = bench.span(asked).x
    assert made.count(x) == 2
    assert not same(before, after)


def same(a: Vector, b: Vector) -> bool:
    return a.parts.keys() == b.parts.keys() and all(torch.equal(part, b.parts[name]) for name, part in a.parts.items())


def vector(size: int, value: float = 1.0) -> Vector:
    whole = torch.full((size,), value, dtype=torch.float64)
    parts = {"weight": whole[:2].reshape(1, 2), "bias": whole[2:]}
    return Vector("pca:1", parts, "one", ("Two.", "Three."), 4, "few words", 0.5)


def test_a_vector_comes_back_from_its_bytes():
    own = vector(5)
    again = vector_of_bytes(bytes_of_vector(own))
    assert same(own, again)
    assert list(own.parts) == list(again.parts) == ["weight", "bias"]  # sums depend on the order
    assert (again.text, again.meaning, again.notes, again.rank) == (own.text, own.meaning, own.notes, own.rank)


def test_memory_is_bounded_and_the_last_used_stay():
    kept, calls = KeptVectors(3 * 8 * 10), []

    def maker(name: str, size: int = 10) -> Callable[[], Vector]:
        return lambda: calls.append(name) or vector(size)

    for name in ("a", "b", "c", "a", "d"):
        kept.of(name, maker(name))
    assert kept.nbytes == 3 * 8 * 10
    kept.of("a", maker("a"))
    assert calls == ["a", "b", "c", "d"]
    kept.of("b", maker("b"))
    assert calls == ["a", "b", "c", "d", "b"]
    assert kept.of("large", maker("large", 100)).length == pytest.approx(10)
    assert kept.nbytes == 0
