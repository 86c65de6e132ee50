"""Paths on a plane are those of plain SGD of the two coordinates, by autograd in float64, in every mode."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradviz.errors import NotHere, UserError
from gradviz.landscape import LandscapeRequest, LandscapeSpec, flipped, network_of, probe_together, single_points
from gradviz.landscape.clean import CleanPass
from gradviz.landscape.dual import Dual
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.probe import FIRST_STEP, REACH, SCHEDULES, Path, Probe, line_up, probe
from gradviz.landscape.probe_by_loop import ByLoop
from gradviz.landscape.probe_together import Together
from gradviz.landscape.probe_words import path_line, probe_sentences
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.replay import Plane, Problem, Scalar
from gradviz.landscape.undecided import Change
from tests.landscape.cases import KINDS, Case, modes_of, random_case
from tests.landscape.replay.difficulties import Net, cross_entropy

# In float64 only the order of sums differs, a few hundred terms of 1e-16 each; a step carries the difference on.
FLOAT64 = 1e-10
MINIBATCHES, ROWS = 4, 6
LINE = line_up(1, 2, range(MINIBATCHES))
STEPS = 9


def many(regularizer: str, placement: str = "before", **values: Any) -> Case:
    return random_case(regularizer, placement, num_rows=MINIBATCHES * ROWS, **values)


def parts_of(case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    parts = list(zip(case.inputs.double().split(ROWS), case.targets.double().split(ROWS), strict=True))
    return [parts[k] for k in LINE]


def by_engine(case: Case, spec: LandscapeSpec, **values: Any) -> Probe:
    together = Together(network_of(case.model, dtype=torch.float64), parts_of(case), spec)
    return probe(partial(together.at, spec.refs), MINIBATCHES, half_width=spec.half_width, **values)


def sgd(case: Case, spec: LandscapeSpec, schedule: str, start: tuple[float, float], rate: float, steps: int) -> Path:
    """The same by a loop that anybody would write: the model moves, and its own backward pass gives the gradient."""
    model = copy.deepcopy(case.model).double()
    tensors = [model.get_parameter(ref.tensor_name) for ref in spec.refs]
    centre = [tensor[ref.index].item() for tensor, ref in zip(tensors, spec.refs, strict=True)]
    parts = parts_of(case)
    draws = spec.mode == "train" and model.regularizer.draws_masks
    model.train(spec.mode == "train")

    def loss_at(point: tuple[float, float], members: list[int], step: int) -> torch.Tensor:
        with torch.no_grad():
            for tensor, ref, own, offset in zip(tensors, spec.refs, centre, point, strict=True):
                tensor[ref.index] = own + offset
        losses = []
        for member in members:
            inputs, targets = parts[member]
            for number in mask_numbers(spec, step) if draws else [None]:
                masks = None
                if number is not None:
                    masks = numbered_masks(model.regularizer, spec.seed, number, len(inputs), model.widths)
                losses.append((model(inputs, masks) - targets).abs().mean())
        return torch.stack(losses).mean()

    everything = list(range(4, 4 + MINIBATCHES))
    points, losses = [start], []
    for step in range(steps + 1):
        members = {"this": [0], "next": [1], "alternating": [2 + step % 2], "all": everything}[schedule]
        model.zero_grad()
        loss = loss_at(points[-1], members, step)
        loss.backward()
        losses.append(loss.item())
        gradient = [tensor.grad[ref.index].item() for tensor, ref in zip(tensors, spec.refs, strict=True)]  # pyright: ignore[reportOptionalSubscript]
        points.append((points[-1][0] - rate * gradient[0], points[-1][1] - rate * gradient[1]))
    x, y = zip(*points[:-1], strict=True)
    return Path(schedule, x, y, tuple(losses), loss_at(points[-2], everything, steps).item())  # pyright: ignore[reportArgumentType]


def assert_same(found: Path, wanted: Path) -> None:
    for name in ("x", "y", "loss", "all_loss"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=FLOAT64, atol=FLOAT64)


PAIRS = [
    ("hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"),
    ("hidden.1.linear.weight[2,3]", "hidden.2.linear.bias[4]"),
    ("hidden.2.linear.weight[0,2]", "hidden.0.linear.weight[2,1]"),
    ("output.weight[0,2]", "output.bias[0]"),
]


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_the_engines_paths_are_those_of_a_plain_loop(regularizer: str, placement: str, x: str, y: str):
    case = many(regularizer, placement, seed=1)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x=x, y=y, half_width=0.4, seed=5, **mode)
        found = by_engine(case, spec, start=(0.13, -0.07), steps=STEPS, rate=0.011)
        assert [path.schedule for path in found.paths] == list(SCHEDULES)
        for path in found.paths:
            assert path.ended is None
            assert_same(path, sgd(case, spec, path.schedule, (0.13, -0.07), 0.011, STEPS))
        wanted = sgd(case, spec, "all", (0.13, -0.07), 0.011, 0)
        assert found.start_loss == pytest.approx(wanted.loss[0], rel=FLOAT64)


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize(("x", "y"), [PAIRS[0], ("hidden.0.linear.weight[2,3]", "hidden.0.linear.bias[4]")])
def test_few_flipped_gates_and_many_give_the_same(
    regularizer: str, placement: str, x: str, y: str, monkeypatch: pytest.MonkeyPatch
):
    case, used = many(regularizer, placement, seed=8), []

    def counted(*given: Any) -> Any:
        found = flipped.through_relu_near(*given)
        used.append(found is not None)
        return found

    monkeypatch.setattr(single_points, "through_relu_near", counted)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x=x, y=y, half_width=0.4, seed=5, **mode)
        both = []
        for few in (1.0, -1.0):
            monkeypatch.setattr(flipped, "_FEW", few)
            both.append(by_engine(case, spec, start=(0.3, -0.2), steps=STEPS, rate=0.02))
        for one, other in zip(both[0].paths, both[1].paths, strict=True):
            assert_same(one, other)
    assert set(used) == {True, False} or regularizer == "batchnorm"


class Largest(TorchDispatchMode):
    """The most entries of a tensor that an operation makes or changes."""

    entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, torch.Tensor):
            self.entries = max(self.entries, found.numel())
        return found


def test_corrections_of_flipped_gates_are_added_in_parts(monkeypatch: pytest.MonkeyPatch):
    network = network_of(random_case("none", seed=8, hidden=(12, 60, 40)).model, dtype=torch.float64)
    clean = CleanPass(network, torch.randn(30, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    delta = Dual(torch.linspace(-3, 3, 30, dtype=torch.float64)[None, None, :, None])
    is_open = torch.ones((1, 1), dtype=torch.bool)
    changes = [Change(7, delta, is_open, is_open, delta.value)]
    with torch.inference_mode():
        known = flipped.at_checkpoint(network.layers[1], network.layers[2], clean.pre(1), None, changes)
    monkeypatch.setattr(flipped, "_FEW", 1.0)
    found = []
    for limit in (2**22, 500):
        monkeypatch.setattr(flipped, "_ENTRIES_AT_ONCE", limit, raising=False)
        with torch.inference_mode(), Largest() as largest:
            outputs = flipped.through_relu_near(known, None, changes)
        assert outputs is not None
        found.append((outputs.value, largest.entries))
    (whole, most_whole), (in_parts, most) = found
    np.testing.assert_allclose(in_parts, whole, rtol=1e-13)
    assert most <= known.sums_BCM.numel() < most_whole


@pytest.mark.parametrize("masks", ["averaged", "frozen", "fresh"])
def test_passes_under_many_masks_are_not_kept(masks: str, monkeypatch: pytest.MonkeyPatch):
    case = many("dropout", seed=2)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1], mode="train", masks=masks, num_masks=5)  # pyright: ignore[reportArgumentType]
    found = []
    for limit in (5 * len(LINE) * ROWS, 5 * len(LINE) * ROWS - 1):
        monkeypatch.setattr(probe_together, "MOST_KEPT", limit, raising=False)
        together = Together(network_of(case.model, dtype=torch.float64), parts_of(case), spec)
        slopes = [together.at(spec.refs, step, [(0.1, 0.2)] * len(LINE)) for step in range(3)]
        found.append((np.array(slopes), len(together._kept)))
    (whole, kept), (anew, kept_beyond) = found
    np.testing.assert_array_equal(anew, whole)
    assert (kept, kept_beyond) == {"averaged": (5, 0), "frozen": (1, 1), "fresh": (0, 0)}[masks]


def test_gamma_and_beta_move_too():
    case = many("batchnorm", seed=2)
    for mode in ("eval", "train"):
        spec = LandscapeSpec(x="hidden.1.norm.weight[3]", y="hidden.0.norm.bias[1]", mode=mode)
        for path in by_engine(case, spec, start=(0.0, 0.05), steps=STEPS, rate=0.02).paths:
            assert_same(path, sgd(case, spec, path.schedule, (0.0, 0.05), 0.02, STEPS))


def test_minibatches_may_differ_in_size():
    case = many("none", seed=3)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1])
    [whole] = by_engine(case, spec, start=(0.0, 0.0), steps=4, schedules=["this"]).paths
    network, parts = network_of(case.model, dtype=torch.float64), parts_of(case)
    uneven = [parts[0], (parts[1][0][:2], parts[1][1][:2]), *parts[2:]]
    slopes = partial(Together(network, uneven, spec).at, spec.refs)
    found = probe(slopes, MINIBATCHES, (0.0, 0.0), 0.1, steps=4, rate=0.05)
    again = probe(slopes, MINIBATCHES, (0.0, 0.0), 0.1, steps=4, schedules=["this"])
    assert again.paths == (whole,)
    assert found.paths[0].loss[0] == pytest.approx(whole.loss[0], rel=FLOAT64)


# Any network, any plane


class Dropping(Net):
    def middle(self, h: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(h, 0.4, self.training)


def problems_of(mode: str = "eval", masks: str = "fresh", **values: Any) -> list[Problem]:
    torch.manual_seed(1)
    model = Dropping().double()
    own: dict[str, Any] = {"mode": mode, "masks": masks, "dtype": torch.float64, "num_masks": 3, **values}
    batches = [{"x": torch.randn(5, 6).double(), "y": torch.randint(0, 3, (5,))} for _ in range(MINIBATCHES)]
    made = [Problem(model, cross_entropy, batch, **own) for batch in batches]
    return [made[k] for k in LINE]


def test_any_networks_paths_are_those_of_a_plain_loop():
    problems = problems_of()
    model = copy.deepcopy(problems[0].model).eval()
    plane = Plane(Scalar.parse("a.weight[1,2]"), Scalar.parse("c.bias[0]"), 0.3)
    found = probe(ByLoop(problems, plane), MINIBATCHES, (0.1, 0.2), 0.3, steps=STEPS, rate=0.7)
    weight, bias = model.get_parameter("a.weight"), model.get_parameter("c.bias")
    with torch.no_grad():
        weight[1, 2] += 0.1
        bias[0] += 0.2
    first = weight[1, 2].item() - 0.1, bias[0].item() - 0.2
    for step in range(STEPS):
        model.zero_grad()
        loss = cross_entropy(model, problems[step % 2].batch).mean()
        loss.backward()
        path = found.paths[2]
        here = [path.loss[step], path.x[step] + first[0], path.y[step] + first[1]]
        np.testing.assert_allclose(here, [loss.item(), weight[1, 2].item(), bias[0].item()], rtol=FLOAT64)
        with torch.no_grad():
            weight[1, 2] -= 0.7 * weight.grad[1, 2]  # pyright: ignore[reportOptionalSubscript]
            bias[0] -= 0.7 * bias.grad[0]  # pyright: ignore[reportOptionalSubscript]


def test_the_built_in_network_has_the_same_paths_by_both_ways():
    case = many("none", seed=6)
    spec = LandscapeSpec(x=PAIRS[1][0], y=PAIRS[1][1])
    wanted = by_engine(case, spec, start=(0.02, 0.03), steps=STEPS)

    def loss(model: nn.Module, batch: Any) -> torch.Tensor:
        return (model(batch[0]) - batch[1]).abs()

    made = [Problem(case.model, loss, part, dtype=torch.float64) for part in parts_of(case)]
    plane = Plane(Scalar.parse(spec.x), Scalar.parse(spec.y), spec.half_width)
    found = probe(ByLoop(made, plane), MINIBATCHES, (0.02, 0.03), spec.half_width, steps=STEPS)
    assert found.rate == wanted.rate
    for own, other in zip(found.paths, wanted.paths, strict=True):
        assert_same(own, other)


def test_all_minibatches_share_one_copy_of_the_model(monkeypatch: pytest.MonkeyPatch):
    problems, copied = problems_of(), []
    plane = Plane(Scalar.parse("a.weight[1,2]"), Scalar.parse("c.bias[0]"), 0.3)
    deep = copy.deepcopy
    monkeypatch.setattr(copy, "deepcopy", lambda of, *memo: copied.append(of) or deep(of, *memo))
    probe(ByLoop(problems, plane), MINIBATCHES, (0.1, 0.2), 0.3, steps=2)
    assert [of for of in copied if isinstance(of, nn.Module)] == [problems[0].model]


@pytest.mark.parametrize("masks", ["fresh", "frozen", "averaged"])
def test_random_numbers_of_any_network_are_those_of_the_step(masks: str):
    problems = problems_of("train", masks)
    plane = Plane(Scalar.parse("a.weight[1,2]"), Scalar.parse("c.bias[0]"), 0.3)
    found = probe(ByLoop(problems, plane), MINIBATCHES, (0.0, 0.0), 0.3, steps=3)
    again = probe(ByLoop(problems, plane), MINIBATCHES, (0.0, 0.0), 0.3, steps=3)
    assert found == again
    frozen = probe(ByLoop([replace(each, masks="frozen") for each in problems], plane), MINIBATCHES, (0.0, 0.0), 0.3)
    assert (found.paths[0].loss[0] == frozen.paths[0].loss[0]) == (masks != "averaged")  # step 0 draws set 0


# Where paths end, and what is refused


def bowl(centre: tuple[float, float] = (0.0, 0.0), factor: float = 2.0) -> Callable[..., np.ndarray]:
    """The loss factor/2 · |p - centre|² for every minibatch."""

    def slopes(step: int, points: Any) -> np.ndarray:
        away = np.array([np.subtract(point or (0.0, 0.0), centre) for point in points])
        return np.column_stack([factor / 2 * (away**2).sum(1), factor * away])

    return slopes


def flat(step: int, points: Any) -> np.ndarray:
    return np.tile([7.0, 1e-9, 0.0], (len(points), 1))


def test_the_default_rate_makes_the_first_step_a_part_of_the_plane():
    found = probe(bowl((3.0, 4.0)), 1, (0.0, 0.0), 2.0, steps=1)
    assert found.rate == pytest.approx(FIRST_STEP * 2.0 / 10.0, rel=0.05)
    assert np.hypot(found.paths[0].x[1], found.paths[0].y[1]) == pytest.approx(FIRST_STEP * 2.0, rel=0.05)


def test_a_path_that_leaves_ends_there_and_says_so():
    found = probe(bowl(), 1, (0.5, 0.0), 1.0, rate=1.5, steps=30)  # each step doubles the distance
    for path in found.paths:
        assert path.ended == "left"
        assert path.x == (0.5, -1.0, 2.0, -4.0, 8.0)
        assert len(path.loss) == len(path.x)
    assert probe(bowl(), 1, (0.5, 0.0), 1.0, rate=1.5, steps=4).paths[0].ended is None


def test_a_path_ends_before_what_is_not_finite():
    def slopes(step: int, points: Any) -> np.ndarray:
        found = bowl((0.0, 9.0))(step, points)
        found[[point is not None and point[1] > 1 for point in points]] = np.nan
        return found

    found = probe(slopes, 1, (0.0, 0.0), 1.0, rate=0.04, steps=30)
    assert {path.ended for path in found.paths} == {"not finite"}
    assert all(path.y[-1] <= 1 and len(path.loss) == len(path.y) for path in found.paths)
    with pytest.raises(NotHere, match="choose another start"):
        probe(slopes, 1, (0.0, 2.0), 1.0)


def test_a_flat_start_stays_and_is_told():
    found = probe(flat, 1, (0.3, 0.1), 1.0, steps=5)
    assert found.is_flat
    assert all(abs(path.x[-1] - 0.3) < 1e-7 for path in found.paths)
    assert not probe(bowl(), 1, (0.3, 0.1), 1.0).is_flat


@pytest.mark.parametrize(("rate", "stays"), [(None, True), (1e6, True), (1e9, False), (1e12, False)])
def test_nothing_moves_is_said_only_where_nothing_moves(rate: float | None, stays: bool):
    found = probe(flat, 1, (0.3, 0.1), 1.0, steps=5, rate=rate)
    asked = LandscapeRequest.of(run="none", epoch=1, x=PAIRS[0][0], y=PAIRS[0][1], half_width=1.0)
    told = probe_sentences(found, asked, (1, 6, 1), draws_masks=False, has_statistics=False)
    assert told[-1].startswith("The gradient at the start is zero for all of them, up to round-off")
    assert ("nothing moves" in told[-1]) == stays


def test_a_loss_over_all_rows_that_is_not_finite_is_told_as_such():
    def slopes(step: int, points: Any) -> np.ndarray:
        found = bowl((0.0, 9.0))(step, points)
        found[4:][[point is not None and point[1] > 1 for point in points[4:]], 0] = np.inf
        return found

    found = probe(slopes, 1, (0.0, 0.0), 1.0, rate=0.04, steps=30)
    own, _, in_turn, of_all = found.paths
    assert own.ended is None
    assert own.all_loss is None
    assert "all rows not finite" in path_line(own, found.start_loss, 1.0)
    assert "→ not finite" in path_line(in_turn, found.start_loss, 1.0)
    assert of_all.ended == "not finite"
    assert of_all.all_loss is not None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"start": (REACH + 1.0, 0.0)}, "`start`"),
        ({"start": (float("nan"), 0.0)}, "`start`"),
        ({"rate": 0.0}, "`rate`"),
        ({"rate": float("inf")}, "`rate`"),
        ({"steps": 0}, "`steps`"),
        ({"steps": 201}, "`steps`"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], told: str):
    with pytest.raises(UserError, match=told):
        probe(bowl(), 1, **{"start": (0.0, 0.0), "half_width": 1.0, **values})


def test_parameters_that_are_not_there_are_refused():
    plane = Plane(Scalar.parse("a.weight[1,2]"), Scalar.parse("z.bias[0]"), 0.3)
    with pytest.raises(UserError, match="z"):
        ByLoop(problems_of(), plane)


@pytest.mark.parametrize("regularizer", ["dropout", "batchnorm"])
def test_nothing_is_changed(regularizer: str):
    case = many(regularizer, seed=4)
    before = copy.deepcopy(case.model.state_dict())
    state, mode = torch.get_rng_state(), case.model.training
    by_engine(case, LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1], mode="train"), start=(0.0, 0.0), steps=3)
    problems = problems_of("train")
    first = copy.deepcopy(problems[0].model.state_dict())
    problem_state = torch.get_rng_state()
    plane = Plane(Scalar.parse("a.weight[1,2]"), Scalar.parse("c.bias[0]"), 0.3)
    probe(ByLoop(problems, plane), MINIBATCHES, (0.0, 0.0), 0.3, steps=3)
    assert torch.equal(torch.get_rng_state(), problem_state)
    for name, tensor in problems[0].model.state_dict().items():
        assert torch.equal(tensor, first[name])
    for name, tensor in case.model.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert case.model.training == mode
    assert len(state) == len(problem_state)
