"""The address says the whole view; what it cannot say is a notice and never a failure."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradviz.compute.probe_settings import start_text
from gradviz.dashboard import permalink
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.permalink import Overlay, View
from gradviz.drawing.camera import Camera
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import CONDITIONS

PARAMETERS = st.sampled_from(
    [
        *("hidden.0.linear.bias[3]", "hidden.1.norm.weight[5]", "hidden.2.linear.weight[3,17]", "output.bias[0]"),
        *("random:7@hidden.1", "gradient:mean", "step", "towards:adam-2/30", "pca:2", "hessian:1"),
    ]
)
VIEWS = st.builds(
    View,
    view=st.sampled_from(["explore", "compare", "minibatches", "paths", "training"]),
    run=st.sampled_from(["none", "dropout", "batchnorm"]),
    compared=st.lists(st.sampled_from(["none", "dropout", "batchnorm"]), min_size=1, unique=True).map(tuple),
    epoch=st.none() | st.integers(0, 9999),
    x_a=st.none() | PARAMETERS,
    y_b=st.none() | PARAMETERS,
    minibatch=st.integers(0, 49),
    minibatch_size=st.sampled_from([16, 64, 256]),
    rows=st.none() | st.lists(st.integers(0, 60), min_size=1, max_size=64, unique=True).map(tuple),
    part=st.sampled_from(["pair", "biases", "layer", "model"]),
    mode=st.sampled_from(["eval", "train"]),
    masks=st.sampled_from(["fresh", "frozen", "averaged"]),
    seed=st.integers(0, 2**32 - 1),
    half_width=st.none() | st.floats(1e-6, 100),
    points=st.integers(1, 100).map(lambda n: 2 * n + 1),
    under=st.sampled_from(["none", "heat", "contour", "surface"]),
    camera=st.none() | st.builds(Camera, st.integers(-180, 180), st.integers(-88, 88), st.floats(0.4, 6)).map(str),
    length=st.sampled_from(["compressed", "true", "unit"]),
    range=st.sampled_from(["epochs", "frame"]),
    direction=st.sampled_from(["ascent", "descent"]),
    scales=st.sampled_from(["locked", "free"]),
    minus=st.sampled_from(["off", "none", "batchnorm"]),
    show=st.lists(st.sampled_from(get_args(Overlay)), unique=True).map(tuple),
    start=st.tuples(*2 * [st.floats(-1, 1)]).map(lambda at: start_text(",".join(f"{share:.9f}" for share in at))),
    rate=st.none() | st.floats(1e-9, 1e9),
    steps=st.integers(1, 200),
    curves=st.sampled_from(["off", "agreement"]),
    seeds=st.sampled_from(["single", "grouped"]),
    conditions=st.lists(st.sampled_from(CONDITIONS), min_size=1, unique=True).map(tuple),
    replicas=st.integers(2, 64),
    optimizer=st.sampled_from(["own", "sgd"]),
    rate_factor=st.floats(1e-6, 1e6),
    x_fan=st.none() | st.just("random:7@hidden.1"),
    y_fan=st.none() | st.sampled_from(["towards:none/3", "hidden.1.linear.bias[0]"]),
)


@given(VIEWS)
@settings(max_examples=200, deadline=None)
def test_a_view_comes_back_from_its_address(view: View) -> None:
    assert permalink.read(permalink.write(view)) == (view, [])


def test_the_plain_page_has_a_plain_address() -> None:
    assert permalink.write(View()) == ""
    assert permalink.read("") == (View(), [])


@pytest.mark.parametrize(
    ("search", "word"),
    [
        ("?colour=red", "colour"),
        ("?epoch=ten", "epoch"),
        ("?epoch=-1", "epoch"),
        ("?points=20", "odd"),
        ("?points=999", "points"),
        ("?width=0", "width"),
        ("?width=nan", "width"),
        ("?mode=both", "mode"),
        ("?x1=hidden", "hidden"),
        ("?x1=hidden.1.linear.weight[3", "not the name of a parameter"),
        ("?x1=pca:0", "a component must be a whole number in [1, 100], got '0'."),
        ("?y2=towards:none", "write towards:RUN/EPOCH"),
        ("?x1=downhill:1", "is not the name of an axis: write random:SEED"),
        ("?size=5000", "size"),
        ("?view=matrix", "view"),
        ("?variant=../../etc", "variant"),
        ("?seed=-3", "seed"),
        ("?camera=0,90,1", "a camera is AROUND,OVER,AWAY"),
        ("?compared=none,no%20body", "no body"),
        ("?compared=", "compared"),
        ("?conditions=order,other", "conditions"),
        ("?replicas=1", "replicas"),
        ("?factor=0", "factor"),
    ],
)
def test_what_a_link_cannot_say_is_noticed_and_left_out(search: str, word: str) -> None:
    view, (notice,) = permalink.read(search)
    assert view == View()
    assert word in notice
    assert "\n" not in notice


def test_a_link_means_the_points_that_it_names_and_else_leaves_them_to_what_they_cost() -> None:
    for points in (11, 21):
        assert permalink.read(f"?points={points}")[0].points == points
        assert permalink.write(View(points=points)) == f"?points={points}"
    assert permalink.read("?x1=step&y1=pca:1")[0].points is None


def test_the_rest_of_a_damaged_link_is_kept() -> None:
    view, notices = permalink.read("?old=1&epoch=7&mode=x&points=11")
    assert (view.epoch, view.points, view.mode) == (7, 11, "eval")
    assert len(notices) == 2


def test_the_first_two_biases_of_the_last_two_layers_are_shown_by_default(tiny_store: RunStore) -> None:
    view, notices = permalink.settle(View(), runs_of(tiny_store))
    assert (view.x_a, view.y_a) == ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")
    assert (view.x_b, view.y_b) == ("hidden.2.linear.bias[0]", "hidden.2.linear.bias[1]")
    assert notices == []


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"epoch": 900}, "epoch 900"),
        ({"x_a": "hidden.1.norm.bias[0]"}, "hidden.1.norm.bias"),
        ({"x_a": "hidden.1.linear.bias[99]"}, "out of range"),
        ({"x_a": "hidden.1.linear.weight[3]"}, "takes [0..9,0..19]"),
        ({"x_a": "hidden.1.bias"}, "this model has no hidden.1.bias"),
        ({"variant": "ridge"}, "ridge"),
        ({"compared": "none,nobody"}, "nobody"),
        ({"x_a": "output.bias[0]", "y_a": "output.bias[0]"}, "itself"),
    ],
)
def test_what_the_runs_cannot_show_is_noticed_and_replaced(tiny_store: RunStore, asked: dict, word: str) -> None:
    view, (notice,) = permalink.settle(View(**asked), runs_of(tiny_store))
    assert word in notice
    assert view.run == "none"
    assert view.epoch in (None, 2)
    assert view.x_a == "hidden.1.linear.bias[0]"


def test_a_direction_is_shown_as_it_is_asked_for_and_its_picture_says_what_is_wrong(tiny_store: RunStore) -> None:
    asked = View(x_a=" gradient:mean", y_a="towards:nobody/7", x_b="step")
    view, notices = permalink.settle(asked, runs_of(tiny_store))
    assert (view.x_a, view.y_a, view.x_b, view.y_b) == (
        "gradient:mean",
        "towards:nobody/7",
        "step",
        "hidden.2.linear.bias[1]",
    )
    assert notices == []
    view, (notice,) = permalink.settle(View(x_a="step", y_a="step"), runs_of(tiny_store))
    assert "pairs step with itself" in notice
    assert permalink.write(asked) == "?x1=gradient:mean&y1=towards:nobody/7&x2=step"


def test_a_link_of_version_0_1_with_a_width_keeps_it() -> None:
    assert permalink.read("?width=0.1")[0].half_width == 0.1
    assert permalink.read("?epoch=3")[0].half_width is None


def test_a_run_of_few_rows_is_shown_by_minibatches_that_it_has(tiny_store: RunStore) -> None:
    runs = {"none": runs_of(tiny_store)["none"] | {"train_rows": 32, "minibatches": {"16": 2, "64": 0, "256": 0}}}
    view, notices = permalink.settle(View(), runs)
    assert (view.minibatch_size, notices) == (16, [])
    view, (notice,) = permalink.settle(View(minibatch_size=256), runs)
    assert view.minibatch_size == 16
    assert "32 training rows, fewer than a minibatch of 256: showing minibatches of 16" in notice
    assert permalink.settle(View(minibatch_size=30), runs)[0].minibatch_size == 30


def test_runs_side_by_side_are_those_that_are_there_or_will_be(tiny_store: RunStore) -> None:
    runs = runs_of(tiny_store)
    view, (notice,) = permalink.settle(View(compared=("dropout", "nobody")), runs)
    assert (view.compared, notice) == (("dropout",), "There is no run `nobody`: comparing without it.")
    view, notices = permalink.settle(View(), {"none": runs["none"]})  # the others are not trained yet
    assert (view.compared, notices) == (View().compared, [])
    named: dict[str, dict] = dict.fromkeys(("adam-1", "adam-2", "sgd-1", "sgd-2"), runs["none"])
    view, notices = permalink.settle(View(), named)
    assert (view.run, view.compared, notices) == ("adam-1", ("adam-1", "adam-2", "sgd-1"), [])
    everything = View(run="sgd-2", compared=tuple(named))
    assert permalink.settle(everything, named)[0].compared == tuple(named)


def test_without_runs_a_view_stays_as_it_is() -> None:
    assert permalink.settle(View(epoch=3), {}) == (View(epoch=3), [])
