"""Replay on a CUDA device: the loop's numbers, the processor's numbers and masks, and the same bytes again."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.landscape.per_row import row_fields
from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, network_landscape, why_zero
from gradviz.landscape.replay.choosing import compute
from gradviz.landscape.replay.examples import CharTransformer, ConvolutionalNet, Example, RecurrentNet, example
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.why import Why
from gradviz.landscape.surroundings import undisturbed
from tests.landscape.replay.independent import error_of
from tests.landscape.replay.test_networks import MAKERS, PAIRS, WAYS, problem_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch.cuda.is_available() is False on this machine"),
    # what torch says of its own rules for many points at once
    pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning"),
]

FLOAT64 = 1e-9
"""Both devices sum the same terms in another order."""

LARGE = {
    "cnn": (lambda: example(ConvolutionalNet(), rows=64), "conv2.weight[0,0,1,1]", "fc1.bias[1]"),
    "transformer": (
        lambda: example(CharTransformer(blocks=2), rows=64, positions=64),
        "blocks.1.fc1.weight[0,0]",
        "blocks.1.norm2.bias[3]",
    ),
    "gru": (
        lambda: example(RecurrentNet(nn.GRU), rows=64, positions=16),
        "cell.weight_hh_l1[0,0]",
        "output.bias[1]",
    ),
}


def on_cuda(problem: Problem) -> Problem:
    """The same problem with a copy of its model; the minibatch stays where it is."""
    model = copy.deepcopy(problem.model).cuda()
    own = {name: getattr(problem, name) for name in ("mode", "masks", "num_masks", "seed", "dtype")}
    return Problem(model, problem.loss, problem.batch, **own)


def made(name: str) -> tuple[Example, Plane]:
    torch.manual_seed(0)
    make, x, y = LARGE[name]
    return make(), Plane(Scalar.parse(x), Scalar.parse(y), points=5)


@pytest.mark.parametrize(("mode", "masks"), WAYS)
@pytest.mark.parametrize("name", MAKERS)
def test_replay_gives_the_loops_numbers_and_the_processors(name, mode, masks):
    problem = problem_of(name, mode, masks)
    device = on_cuda(problem)
    shared = Prepared(device)
    for x, y in PAIRS[name]:
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.3, points=3)
        with undisturbed(device.model), torch.enable_grad():
            found, loop = compute(shared, plane), by_loop(device, plane, range(9))
        assert found.method.startswith("replay"), found.passed_over
        assert error_of(found.values, loop) < FLOAT64
        assert error_of(loop, by_loop(problem, plane, range(9))) < FLOAT64


@pytest.mark.parametrize(("mode", "masks"), WAYS[:2])
@pytest.mark.parametrize("name", MAKERS)
def test_rows_have_the_processors_numbers(name, mode, masks):
    problem = problem_of(name, mode, masks)
    plane = Plane(*map(Scalar.parse, PAIRS[name][0]), half_width=0.3, points=3)
    found, wanted = row_fields(on_cuda(problem), plane), row_fields(problem, plane)
    assert found.method.startswith("replay"), found.passed_over
    assert (found.coupled, found.has_masks) == (wanted.coupled, wanted.has_masks)
    # Below a norm a component may be nothing but round-off: each is held to the largest of both.
    there, here = (np.stack([each.loss_BYX, each.u_BYX, each.v_BYX], -1).reshape(-1, 3) for each in (found, wanted))
    assert error_of(there, here) < FLOAT64


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", LARGE)
def test_the_same_request_gives_the_same_bytes(name, mode):
    own, plane = made(name)
    problem = Problem(own.model.cuda(), own.loss, own.batch, mode, "frozen")
    state = torch.cuda.get_rng_state()
    first, second = (network_landscape(problem, plane) for _ in range(2))
    assert first.method.startswith("replay"), first.passed_over
    assert first.field.to_bytes() == second.field.to_bytes()
    assert torch.equal(torch.cuda.get_rng_state(), state)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_single_channels_go_through_norms_in_tiles(mode):
    """Where torch's batch norm refuses one channel of many points at once."""
    own, plane = made("cnn")
    found = network_landscape(Problem(own.model.cuda(), own.loss, own.batch, mode, "frozen"), plane)
    assert found.method == "replay tiles (vmap)", found.passed_over


@pytest.mark.parametrize("name", LARGE)
def test_what_the_caller_has_set_changes_nothing(name):
    own, plane = made(name)
    problem = Problem(own.model.cuda(), own.loss, own.batch)
    wanted = network_landscape(problem, plane).field.to_bytes()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
            with torch.device("cuda"), torch.autocast("cuda"), torch.no_grad():
                found = network_landscape(problem, plane).field.to_bytes()
            assert torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert found == wanted


@pytest.mark.parametrize("name", LARGE)
def test_float32_is_the_processors_up_to_rounding(name):
    own, plane = made(name)
    cpu = network_landscape(Problem(own.model, own.loss, own.batch), plane).field
    cuda = network_landscape(Problem(copy.deepcopy(own.model).cuda(), own.loss, own.batch), plane).field
    for part in ("loss", "u", "v"):
        wanted = getattr(cpu, part)
        # float32's rounding through a model of some hundred terms; reduced precision would show at 1e-3
        np.testing.assert_allclose(getattr(cuda, part), wanted, rtol=0, atol=1e-4 * abs(wanted).max())


def test_keys_biases_are_zero_there_too():
    problem = on_cuda(problem_of("transformer", "train", "frozen"))
    assert why_zero(problem, Scalar.parse("blocks.0.attention.qkv.bias[9]")).why is not Why.NOT_ZERO
    assert why_zero(problem, Scalar.parse("blocks.0.attention.qkv.bias[1]")).why is Why.NOT_ZERO
