"""The roughness of random live units: by plain loops over autograd, and never an angle of round-off."""

import itertools
import math

import numpy as np
import pytest
import torch

from gradviz.compute.workbench import Workbench
from gradviz.evidence.measuring import measured
from gradviz.evidence.rough_pairs import FRESH_MINIBATCHES, MINIBATCHES, ROUGH_PAIRS, rough_pairs_of
from gradviz.evidence.scenes import LINEAR_BATCHNORM, MID_DROPOUT, MID_PLAIN, SceneSpec
from gradviz.experiment.model import MLP
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest, gradient_landscape, network_of

BIAS = "hidden.1.linear.bias"


def looped_angle(model: MLP, pair: tuple[int, int], inputs: torch.Tensor, targets: torch.Tensor) -> float | None:
    """Degrees between neighbouring arrows of 21 × 21 points within ± 0.1, point by point by autograd in float64."""
    bias = model.get_parameter(BIAS)
    before = bias.detach().clone()
    steps = np.linspace(-0.1, 0.1, 21)
    arrows = np.zeros((21, 21, 2))
    for (j, y), (i, x) in itertools.product(enumerate(steps), enumerate(steps)):
        with torch.no_grad():
            bias.copy_(before)
            bias[pair[0]] += x
            bias[pair[1]] += y
        model.zero_grad()
        (model(inputs) - targets).abs().mean().backward()
        assert bias.grad is not None
        arrows[j, i] = bias.grad[list(pair)].numpy()
    with torch.no_grad():
        bias.copy_(before)
    angles = []
    for j, i in np.ndindex(21, 21):
        for other in ((j, i + 1), (j + 1, i)):
            if max(other) < 21 and arrows[j, i].any() and arrows[other].any():
                a, b = arrows[j, i], arrows[other]
                angles.append(math.degrees(abs(math.atan2(a[0] * b[1] - a[1] * b[0], a @ b))))
    return float(np.mean(angles)) if angles else None


def test_angles_are_those_of_loops_over_autograd_in_float64(tiny_store: RunStore):
    run = tiny_store.run("none")
    model = run.model(1).double()
    with torch.no_grad():
        model.get_parameter(BIAS)[:6] = -1e6  # dead, so that few pairs are left
    network, (inputs, targets) = network_of(model, dtype=torch.float64), run.minibatches(64, 50)

    def landscape(request: LandscapeRequest) -> GradientField:
        rows = inputs[request.minibatch].double(), targets[request.minibatch].double()
        return gradient_landscape(model, *rows, request.spec(), dtype=torch.float64)

    first, second = rough_pairs_of(network, (inputs.double(), targets.double()), MID_PLAIN.of("none", 1), landscape)
    gradients = []
    for rows in zip(inputs.double(), targets.double(), strict=True):
        model.zero_grad()
        (model(rows[0]) - rows[1]).abs().mean().backward()
        gradient = model.get_parameter(BIAS).grad
        assert gradient is not None
        gradients.append(gradient.numpy().copy())
    live = [unit for unit in range(10) if np.array(gradients)[:, unit].any()]
    assert 2 <= len(live) <= 4  # at most 6 pairs: all are drawn
    num = min(MINIBATCHES, len(inputs))
    expected = []
    for pair in itertools.combinations(live, 2):
        found = [looped_angle(model, pair, inputs[k].double(), targets[k].double()) for k in range(num)]
        there = [angle for angle in found if angle is not None]
        expected.append(np.mean(there) if there else None)
    assert (first.num_units, first.num_live, first.num_minibatches) == (10, len(live), num)
    # Both are float64; the engine propagates what a move changes, the loop the whole model.
    assert first.angles == pytest.approx(tuple(expected), abs=1e-6)
    assert any(angle for angle in first.angles if angle is not None)
    assert (second.tensor, len(second.angles)) == (
        "hidden.2.linear.bias",
        min(ROUGH_PAIRS, math.comb(second.num_live, 2)),
    )


def test_units_before_a_norm_are_not_live_by_round_off_and_have_no_angle(tiny_store: RunStore):
    run = tiny_store.run("batchnorm")
    network, rows = network_of(run.model(1)), run.minibatches(64, 50)

    def never(request: LandscapeRequest) -> GradientField:
        raise AssertionError(request)

    [found] = rough_pairs_of(network, rows, LINEAR_BATCHNORM.of("batchnorm", 1), never)
    assert (found.num_units, found.num_live, found.angles) == (10, 0, ())


def test_a_pair_whose_arrows_are_all_zero_has_no_angle(tiny_store: RunStore):
    run = tiny_store.run("none")
    bench = Workbench(tiny_store, device="cpu")
    dead = bench.landscape(LandscapeRequest(x=f"{BIAS}[0]", y=f"{BIAS}[1]", run="none", epoch=1))
    dead.is_zero[:] = True
    rows = run.minibatches(64, 50)
    first, _ = rough_pairs_of(bench.network("none", 1), rows, MID_PLAIN.of("none", 1), lambda request: dead)
    assert first.num_live > 1
    assert set(first.angles) == {None}


@pytest.mark.parametrize(("design", "number"), [(MID_PLAIN, MINIBATCHES), (MID_DROPOUT, FRESH_MINIBATCHES)])
def test_fields_of_masks_drawn_anew_are_of_one_minibatch(tiny_store: RunStore, design, number: int):
    bench = Workbench(tiny_store, device="cpu")
    run = design.role.kind().run_name
    asked: list[LandscapeRequest] = []

    def landscape(request: LandscapeRequest) -> GradientField:
        asked.append(request)
        return bench.landscape(request)

    spec: SceneSpec = design.of(run, 1)
    rows = tiny_store.run(run).minibatches(64, 50)
    found = rough_pairs_of(bench.network(run, 1), rows, spec, landscape)
    number = min(number, len(rows[0]))
    assert {each.num_minibatches for each in found} == {number}
    assert len(asked) == number * sum(len(each.angles) for each in found)
    planes = {(each.mode, each.masks, each.points, each.half_width) for each in asked}
    assert planes == {(design.mode, design.masks, design.points, design.half_width)}
    again = measured(spec.rough_pairs_part(), bench)
    assert again.rough_pairs == found  # pyright: ignore[reportAttributeAccessIssue]
