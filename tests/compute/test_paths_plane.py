"""Paths told in a plane that somebody chooses: the plane of every landscape with these axes, and no replica twice."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import gradviz
from gradviz.compute.paths import continuation_of, key_of, paths
from gradviz.compute.paths_export import paths_bytes, paths_told
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.interruption import Stopped, StopRequest
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import train_studies
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.directions.marks import marks_of
from gradviz.landscape.paths.progress import PathsProgress
from gradviz.landscape.paths.request import PATHS_VERSION, PathsRequest

BIASES = ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")
PLANES = [
    BIASES,
    ("output.bias[0]", "gradient:mean"),
    ("step", "gradient:0"),
    ("pca:1", "pca:2"),
    ("random:7@hidden.1", "towards:dropout/2"),
    ("hessian:1", "random-all:1"),
]


def asked(run: str = "none", epoch: int = 1, **changes: object) -> PathsRequest:
    return PathsRequest.of(run=run, epoch=epoch, **({"replicas": 2, "conditions": ("same", "order")} | changes))


def nothing_is_trained(progress: PathsProgress) -> None:
    pytest.fail(f"it trains {progress.what}")


def check_plane(store: RunStore, request: PathsRequest, directory: Path) -> None:
    """`same` ends in the run's next checkpoint, and lies where Explore draws that in this plane."""
    found = paths(store, request, directory, device="cpu")
    assert found.reproduces
    assert found.chosen is not None
    like = LandscapeRequest.of(run=request.run, epoch=request.epoch, x=request.x, y=request.y)
    spanned = Workbench(store, device="cpu").span(like)
    marks = marks_of(spanned.where.path, spanned.x, spanned.y)
    next_one = next(mark for mark in marks.checkpoints if mark.epoch == request.epoch + 1)
    for end_A in found.shown_MTA[:3, -1]:  # the run's own, and both of `same`
        np.testing.assert_allclose(end_A, [next_one.x, next_one.y], rtol=1e-6, atol=1e-9)
    inside = ((next_one.x * spanned.x.length) ** 2 + (next_one.y * spanned.y.length) ** 2) / found.recorded_T[-1]
    np.testing.assert_allclose(found.within_M[:3], inside, rtol=1e-6)
    assert (found.chosen.x.text, found.chosen.y.text) == request.axes
    assert (found.chosen.x.meaning, found.chosen.y.meaning) == (spanned.x.meaning, spanned.y.meaning)


@pytest.mark.parametrize(("x", "y"), PLANES, ids=lambda axis: axis)
def test_the_plane_is_that_of_explore_with_these_axes(tiny_store: RunStore, tmp_path: Path, x: str, y: str):
    check_plane(tiny_store, asked(x=x, y=y), tmp_path)


def test_a_plane_of_two_parameters_shows_these_parameters_and_how_little_of_the_way_they_are(
    tiny_store: RunStore, tmp_path: Path
):
    found = paths(tiny_store, asked(x=BIASES[0], y=BIASES[1]), tmp_path, device="cpu")
    before, after = (tiny_store.run("none").model(epoch) for epoch in (1, 2))
    moved = [own[:2] for own in (model.get_parameter("hidden.1.linear.bias").detach() for model in (before, after))]
    np.testing.assert_allclose(found.shown_MTA[0, -1], (moved[1].double() - moved[0].double()).numpy(), rtol=1e-6)
    assert 0 < found.within_M[0] < 0.05
    told = json.loads(paths_bytes(found, ".json"))
    assert told["plane"]["shares"] == []
    assert told["plane"]["axes"]["x"]["meaning"] == f"1 in {BIASES[0]}"
    assert told["recorded"]["way"] == [[0, 0], *found.shown_MTA[0].tolist()]
    assert told["recorded"]["within"] == found.within_M[0]
    assert told["conditions"]["order"]["within"] == found.within_M[3:].tolist()
    assert {"x", "y"} <= set(told["request"])


def test_runs_of_a_study_have_their_own_planes(tmp_path: Path):
    def rows(seed: int):
        generator = torch.Generator().manual_seed(1)
        inputs = torch.randn(40, 5, generator=generator)
        return (inputs, inputs.argmax(1)), (inputs[:8], inputs[:8].argmax(1))

    class Tied(torch.nn.Module):
        """A tensor with two names."""

        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(5, 5)
            self.second = torch.nn.Linear(5, 5)
            self.second.weight = self.first.weight

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.second(F.relu(self.first(inputs)))

    study = gradviz.Study("tied", Tied, gradviz.CrossEntropy(), train=gradviz.Recipe(rows, epochs=2, batch_size=8))
    assert train_studies(tmp_path, recipe_trainings(study, name="a", learning_rate=0.01), device="cpu").finished
    store = RunStore(tmp_path, LoadedStudy(study, "tied", "0" * 64, {}))
    axes = [("gradient:0", "step"), ("second.weight[0,0]", "first.bias[0]"), ("second.bias[4]", "second.weight[1,2]")]
    for x, y in axes:
        check_plane(store, asked("a", x=x, y=y), tmp_path)
    run = store.any_run("a")
    moved = [run.model(epoch).get_parameter("first.weight")[1, 2].item() for epoch in (1, 2)]
    found = paths(store, asked("a", x="second.bias[4]", y="second.weight[1,2]"), tmp_path, device="cpu")
    assert found.shown_MTA[0, -1, 1] == pytest.approx(moved[1] - moved[0], rel=1e-6)
    with pytest.raises(UserError, match="lie on one line"):
        paths(store, asked("a", x="second.weight[0,0]", y="first.weight[0,0]"), tmp_path, device="cpu")


def test_the_principal_plane_is_known_with_any_other_and_is_the_same_to_the_byte(tiny_store: RunStore, tmp_path: Path):
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    chosen = paths(tiny_store, asked(x="pca:1", y="gradient:mean"), beside, device="cpu")
    principal = paths(tiny_store, asked(), beside, device="cpu", on_progress=nothing_is_trained)
    assert principal.chosen is None
    paths(tiny_store, asked(), alone, device="cpu")
    [file] = (alone / "paths-1").glob("*.safetensors")
    assert (beside / "paths-1" / file.name).read_bytes() == file.read_bytes()
    assert [path.suffix for path in (beside / "paths-1").iterdir() if path.is_dir()] == []
    again = paths(tiny_store, asked(x="pca:1", y="gradient:mean"), beside, device="cpu", on_progress=nothing_is_trained)
    assert paths_bytes(again, ".npz") == paths_bytes(chosen, ".npz")


def test_a_stopped_job_goes_on_in_another_plane(tiny_store: RunStore, tmp_path: Path):
    stop, trained = StopRequest(), []

    def note(progress: PathsProgress) -> None:
        trained.append(progress.what)
        if progress.what == "order 2 of 2":
            stop.asked = True

    with pytest.raises(Stopped):
        paths(tiny_store, asked(), tmp_path, device="cpu", on_progress=note, stop=stop)
    later: list[str] = []
    paths(
        tiny_store, asked(x="step", y="pca:2"), tmp_path, device="cpu", on_progress=lambda now: later.append(now.what)
    )
    assert set(later) == {"order 2 of 2"}
    assert set(trained) > set(later)


def test_a_request_without_a_plane_has_the_key_that_it_always_had(tiny_store: RunStore):
    cpu, request = torch.device("cpu"), asked(points=4)
    run = continuation_of(tiny_store, "none", cpu)
    written = {
        "epoch": 1, "replicas": 2, "epochs": 1, "conditions": ["same", "order"], "optimizer": "own",
        "learning_rate": None, "rate_factor": 1.0, "points": 4, "seed": 0,
    }  # fmt: skip
    assert request.model_dump(mode="json") == {"run": "none", "variant": "none", **written}
    parts = [PATHS_VERSION, [run.address(epoch) for epoch in (0, 1, 2)], written, "cpu", str(torch.__version__)]
    former = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    assert key_of(tiny_store, run, request, cpu) == former
    keys = {key_of(tiny_store, run, asked(points=4, x=x, y=y), cpu) for x, y in PLANES}
    assert len(keys | {former}) == len(PLANES) + 1


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ({"x": "pca:1"}, "`y` is missing beside `x`: give both axes of a plane, or neither"),
        ({"y": "pca:1"}, "`x` is missing beside `y`"),
        ({"x": "step", "y": " step"}, "`x` and `y` are both step"),
        ({"x": "step", "y": "steps:1"}, "`steps:1` is not the name of an axis"),
        ({"x": "step", "y": "hidden.9.linear.bias[0]"}, "this model has no parameter hidden.9.linear.bias"),
        ({"x": "step", "y": "output.bias[1]"}, r"out of range: output.bias takes \[0..0\]"),
        ({"x": "step", "y": "pca:3"}, "the 3 checkpoints of none have 2 principal components"),
        ({"x": "step", "y": "towards:nobody/1"}, "`run` must be an existing run"),
        ({"x": "step", "y": "gradient:9999"}, "minibatches of this run are 0 to"),
        ({"x": "step", "y": "gradient:0", "epoch": 0}, "no step leads to epoch 0"),
        ({"x": "step", "y": "towards:none/0"}, "lie on one line"),
    ],
)
def test_a_plane_that_there_is_not_is_refused_before_anything_is_trained(
    tiny_store: RunStore, tmp_path: Path, axes: dict, sentence: str
):
    with pytest.raises(UserError, match=sentence):
        paths(tiny_store, asked(**axes), tmp_path, device="cpu", on_progress=nothing_is_trained)


def test_what_is_told_of_the_principal_plane_is_as_it_was(tiny_store: RunStore, tmp_path: Path):
    told: dict = dict(paths_told(paths(tiny_store, asked(), tmp_path, device="cpu")))
    assert told["plane"]["axes"] is None
    assert len(told["plane"]["shares"]) == 2
