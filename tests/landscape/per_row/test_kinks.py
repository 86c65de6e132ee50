"""Every change of a gate or of a residual's sign between neighbouring grid points is crossed by a line, and no line
crosses where none changes: against forward hooks, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.model import MLP
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.per_row import kinks_of_replay
from gradviz.landscape.per_row.kinks import AVERAGED, FRESH, kinks
from gradviz.landscape.per_row.kinks_of_replay import KEPT_BYTES, SMOOTH
from gradviz.landscape.per_row.net import RESIDUAL, Kinks
from gradviz.landscape.per_row.watching import Forward
from gradviz.landscape.replay import Plane, Problem, Scalar
from gradviz.landscape.replay.checking import checked_points
from gradviz.landscape.replay.choosing import LOOP
from gradviz.landscape.tiling import tiles_of
from tests.landscape.per_row.crossed import changing, crossed
from tests.landscape.per_row.networks import Net, convolutional, mlp, random_plane, recurrent, taken, transformer


def check(found: Kinks, values: list[np.ndarray], plane: Plane) -> int:
    """Compares every line's edges with those that change; returns how many changes there are."""
    assert found.num_left_out == 0
    assert len(found.sites) == len(values)
    ends = np.cumsum(found.length_L)
    lines = {
        (int(row), int(site), int(unit)): found.segments_M4[end - length : end]
        for row, site, unit, length, end in zip(
            found.row_L, found.site_L, found.unit_L, found.length_L, ends, strict=True
        )
    }
    num_changes, nothing = 0, np.zeros((0, 4))
    for site, values_YXBU in enumerate(values):
        for row in range(values_YXBU.shape[2]):
            for unit in range(values_YXBU.shape[3]):
                edges = changing(values_YXBU[:, :, row, unit])
                drawn = lines.pop((row, site, unit), nothing)
                assert crossed(drawn, plane.half_width, plane.points) == edges
                num_changes += len(edges)
    assert not lines
    return num_changes


MLPS = [
    ("none", "before", {"mode": "eval"}),
    ("dropout", "before", {"mode": "eval"}),
    ("dropout", "before", {"mode": "train", "masks": "frozen", "seed": 3}),
    ("batchnorm", "before", {"mode": "eval"}),
    ("batchnorm", "before", {"mode": "train"}),
    ("batchnorm", "after", {"mode": "eval"}),
    ("batchnorm", "after", {"mode": "train"}),
]
PLANES_OF_AN_MLP, PLANES_OF_A_NETWORK = 8, 8  # 56 and 48 planes


@pytest.mark.parametrize(("regularizer", "placement", "how"), MLPS, ids=str)
def test_the_engine_crosses_what_changes_on_random_planes(regularizer: str, placement: str, how: dict[str, Any]):
    generator = np.random.default_rng(0)
    num_changes = 0
    for seed in range(PLANES_OF_AN_MLP):
        net = mlp(regularizer, placement, seed)
        plane, (x, y) = random_plane(net, generator, directions=False)
        spec = LandscapeSpec(x=x, y=y, half_width=plane.half_width, points=plane.points, **how)
        values = taken(net, plane, train=spec.mode == "train", spec=spec)
        found = kinks(minibatch_of(net), spec)
        num_changes += check(found, values, plane)
        assert found.sites[-1] == RESIDUAL
        of_any = kinks(problem_of(net, **how), plane)
        np.testing.assert_array_equal(of_any.count_B, found.count_B)
        np.testing.assert_allclose(of_any.segments_M4, found.segments_M4, atol=1e-6 * plane.half_width)
    assert num_changes > 100


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("make", [convolutional, recurrent, transformer])
def test_replay_crosses_what_changes_on_random_planes(make: Callable[[int], Net], mode: str):
    generator = np.random.default_rng(1)
    num_changes = 0
    for seed in range(PLANES_OF_A_NETWORK):
        net = make(seed)
        plane, _ = random_plane(net, generator, directions=seed % 2 == 1)
        values = taken(net, plane, train=mode == "train")
        num_changes += check(kinks(problem_of(net, mode=mode), plane), values, plane)
        assert check(kinks(problem_of(net, mode=mode), plane, method=LOOP), values, plane) >= 0
    assert num_changes > 100


def problem_of(net: Net, **how: Any) -> Problem:
    return Problem(net.model, net.loss, net.batch, dtype=torch.float64, **how)


SPEC = LandscapeSpec(x="hidden.0.linear.bias[0]", y="hidden.1.linear.weight[1,2]", half_width=1.5, points=9)


def minibatch_of(net: Net) -> Minibatch:
    assert isinstance(net.model, MLP)
    return Minibatch(network_of(net.model, dtype=torch.float64), *net.batch)


def test_lines_in_many_tiles_are_those_in_one(monkeypatch: pytest.MonkeyPatch):
    for regularizer, mode in (("none", "eval"), ("batchnorm", "train")):
        minibatch, spec = minibatch_of(mlp(regularizer, "before", 1)), SPEC.model_copy(update={"mode": mode})
        whole = kinks(minibatch, spec)
        with tiles_of(2000):
            parts = kinks(minibatch, spec)
        for name in ("count_B", "row_L", "site_L", "unit_L", "length_L"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
        ends = np.cumsum(whole.length_L)[:-1]
        for one, other in zip(np.split(parts.segments_M4, ends), np.split(whole.segments_M4, ends), strict=True):
            np.testing.assert_allclose(np.sort(one, 0), np.sort(other, 0), atol=1e-6)


def test_what_parameters_do_not_reach_is_not_computed_and_gives_the_same_lines(monkeypatch: pytest.MonkeyPatch):
    net = convolutional(3)
    plane = Plane(Scalar.parse("conv2.bias[0]"), Scalar.parse("fc1.bias[1]"), 2.0, 7)
    plain = kinks(problem_of(net), plane, method=LOOP)
    plain_points: list[int | None] = []
    run = Forward.run

    def counted(self: Forward, point: int | None, rows: torch.Tensor | None = None) -> object:
        plain_points.append(point)
        return run(self, point, rows)

    monkeypatch.setattr(Forward, "run", counted)
    for num_bytes in (KEPT_BYTES, 0):  # in one run over the grid, and in two
        monkeypatch.setattr(kinks_of_replay, "KEPT_BYTES", num_bytes)
        plain_points.clear()
        replayed = kinks(problem_of(net), plane)
        assert [point for point in plain_points if point is not None] == list(checked_points(7))
        np.testing.assert_array_equal(replayed.count_B, plain.count_B)
        np.testing.assert_allclose(replayed.segments_M4, plain.segments_M4, atol=1e-6)
        assert len(replayed.segments_M4) > 20
        many = kinks(problem_of(net), plane, method=LOOP)
        np.testing.assert_array_equal(many.segments_M4, plain.segments_M4)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_lines_of_one_row_are_those_that_it_has_among_all(mode: str):
    net = mlp("batchnorm", "before", 2)
    spec = SPEC.model_copy(update={"mode": mode})
    for of in (minibatch_of(net), problem_of(net, mode=mode)):
        every = kinks(of, spec)
        assert every.count_B.sum() == len(every.row_L) > 5
        for row in range(7):
            alone = kinks(of, spec, row=row)
            np.testing.assert_array_equal(alone.count_B, every.count_B[row : row + 1])
            np.testing.assert_allclose(alone.segments_M4, every.of_row(row), atol=1e-6)
    with pytest.raises(UserError, match=r"in \[0, 6\], got 7"):
        kinks(minibatch_of(net), spec, row=7)


def test_beyond_the_limit_whole_lines_are_left_out_and_counted():
    net, spec = mlp("none", "before", 1), SPEC.model_copy(update={"y": "output.bias[0]"})
    every = kinks(minibatch_of(net), spec)
    lines = dict(lines_of(every))
    residuals = {key for key in lines if every.sites[key[1]] == RESIDUAL}
    num_first = sum(len(lines[key]) for key in residuals)
    limit = (num_first + len(every.segments_M4)) // 2
    assert 0 < num_first < limit
    for of in (minibatch_of(net), problem_of(net)):
        some = kinks(of, spec, limit=limit)
        np.testing.assert_array_equal(some.count_B, every.count_B)
        assert num_first < len(some.segments_M4) <= limit
        assert some.num_left_out == every.count_B.sum() - len(some.row_L) > 0
        for key, segments in lines_of(some):
            np.testing.assert_allclose(segments, lines[key], atol=1e-6)
        assert residuals <= {key for key, _ in lines_of(some)}


def lines_of(found: Kinks) -> list[tuple[tuple[int, int, int], np.ndarray]]:
    keys = zip(found.row_L.tolist(), found.site_L.tolist(), found.unit_L.tolist(), strict=True)
    return list(zip(keys, np.split(found.segments_M4, np.cumsum(found.length_L)[:-1]), strict=True))


@pytest.mark.parametrize(("masks", "why"), [("fresh", FRESH), ("averaged", AVERAGED)])
def test_where_every_point_has_masks_of_its_own_there_are_no_lines(masks: str, why: str):
    net = mlp("dropout", "before", 0)
    spec = SPEC.model_copy(update={"mode": "train", "masks": masks})
    for of in (minibatch_of(net), problem_of(net, mode="train", masks=masks)):
        found = kinks(of, spec)
        assert (len(found.segments_M4), found.count_B.tolist(), found.note) == (0, [0] * 7, why)
    no_masks = mlp("none", "before", 0)
    assert len(kinks(problem_of(no_masks, mode="train", masks=masks), spec).segments_M4)


def test_a_smooth_network_has_no_lines_and_says_why():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    batch = (torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1]))
    problem = Problem(model, lambda model, batch: F.cross_entropy(model(batch[0]), batch[1], reduction="none"), batch)
    found = kinks(problem, Plane(Scalar.parse("0.bias[0]"), Scalar.parse("2.bias[0]"), points=3))
    assert (len(found.segments_M4), found.note) == (0, SMOOTH)


def test_what_is_not_looked_at_is_said():
    model = nn.Sequential(nn.Conv1d(1, 2, 2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(4, 1))
    batch = (torch.randn(3, 1, 5), torch.randn(3))
    problem = Problem(model, lambda model, batch: F.mse_loss(model(batch[0])[:, 0], batch[1]), batch)
    found = kinks(problem, Plane(Scalar.parse("0.bias[0]"), Scalar.parse("4.bias[0]"), 1.0, 3))
    assert found.note == "Not looked at: which input wins in max_pool1d."
    assert found.sites == ("1: relu",)


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        (lambda x: torch.where(x > 0, x, 0.0), "gt"),
        (lambda x: x * (x <= 0), "le"),
        (lambda x: x * x.sign(), "sign"),
        (lambda x: x.masked_fill(x.lt(0), 0), "lt"),
    ],
)
def test_a_gate_that_is_a_comparison_is_said_to_be_not_looked_at(gate: Callable[[Any], Any], name: str):
    model, batch = nn.Sequential(nn.Linear(3, 4), nn.Flatten(), nn.Linear(4, 1)), (torch.randn(5, 3), torch.ones(5))

    def loss(model: Any, batch: Any) -> Any:
        return F.mse_loss(model[2](gate(model[0](batch[0])))[:, 0], batch[1], reduction="none")

    found = kinks(Problem(model, loss, batch), Plane(Scalar.parse("0.bias[0]"), Scalar.parse("2.bias[0]"), 1.0, 3))
    assert found.note == f"{SMOOTH} Not looked at: what follows from the comparison {name}."
    assert "No function" not in found.note


def test_gates_of_parameters_alone_belong_to_no_row():
    """As many weights as rows: L1 regularization of them is not a residual of the rows."""
    model = nn.Linear(4, 1)
    batch = (torch.randn(4, 4), torch.randn(4))

    def loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return (model(batch[0])[:, 0] - batch[1]).abs().mean() + 0.1 * model.get_parameter("weight").abs().sum()

    found = kinks(Problem(model, loss, batch), Plane(Scalar.parse("weight[0,0]"), Scalar.parse("bias[0]"), 3.0, 5))
    assert found.sites == (RESIDUAL,)
    assert len(found.segments_M4)


def test_nothing_of_the_model_changes():
    net = convolutional(0)
    net.model.train()
    before = {name: value.clone() for name, value in net.model.state_dict().items()}
    state = torch.get_rng_state()
    plane, _ = random_plane(net, np.random.default_rng(0), directions=True)
    kinks(problem_of(net, mode="train"), plane)
    assert net.model.training
    assert torch.equal(state, torch.get_rng_state())
    for name, value in net.model.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.model.modules())
