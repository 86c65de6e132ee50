"""The landscape of any network as users get it: what it never changes, when it is refused, and what is zero."""

import threading
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.losses import LossFunction
from gradviz.landscape.field import GradientField, ZeroReason
from gradviz.landscape.pausing import asking
from gradviz.landscape.replay import (
    Plane,
    Prepared,
    Problem,
    Scalar,
    evaluating,
    known,
    moved,
    network_landscape,
)
from gradviz.landscape.replay.channels import Channels
from gradviz.landscape.replay.choosing import LOOP, compute
from gradviz.landscape.replay.evaluating import Replayer
from gradviz.landscape.replay.examples import CharTransformer, ConvolutionalNet, example
from gradviz.landscape.replay.known import SOME_ROWS, Known
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.moved import normed_written_out
from gradviz.landscape.request import Masks, Mode
from tests.landscape.replay.difficulties import Net, cross_entropy
from tests.landscape.replay.independent import FLOAT64, error_of


def plane_of(x: str, y: str, points: int = 3, half_width: float = 0.2) -> Plane:
    return Plane(Scalar.parse(x), Scalar.parse(y), half_width, points)


def cnn(mode: Mode = "train", masks: Masks = "fresh", **values: Any) -> Problem:
    torch.manual_seed(0)
    own = example(ConvolutionalNet(channels=3, units=6, drops=True), rows=5)
    return Problem(own.model, own.loss, own.batch, mode, masks, **values)


def net(loss: LossFunction = cross_entropy) -> Problem:
    torch.manual_seed(1)
    return Problem(Net(), loss, {"x": torch.randn(12, 6), "y": torch.randint(0, 3, (12,))})


CONV2 = plane_of("conv2.weight[0,0,1,1]", "conv2.bias[3]")


def test_a_field_has_the_parameters_values_and_the_models_dtype():
    problem = cnn()
    found = network_landscape(problem, CONV2)
    centre = problem.model.get_parameter("conv2.bias")[3].item()
    np.testing.assert_array_equal(found.field.y, centre + np.array([-0.2, 0, 0.2]))
    assert {found.field.u.dtype, found.field.loss.dtype} == {np.dtype("float32")}
    assert (found.field.num_rows, found.method, found.passed_over) == (5, "replay tiles (vmap)", ())
    again = GradientField.from_bytes(found.field.to_bytes())
    np.testing.assert_array_equal(again.u, found.field.u)


def test_the_same_request_gives_the_same_bytes_in_any_thread():
    wanted = network_landscape(cnn(), CONV2).field.to_bytes()
    problems, found = [cnn() for _ in range(3)], []

    def compute_one() -> None:
        found.append(network_landscape(problems.pop(), CONV2).field.to_bytes())

    threads = [threading.Thread(target=compute_one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 3


@pytest.mark.parametrize("method", ["replay", "reference"])
def test_computing_changes_nothing(method):
    torch.manual_seed(0)
    own = example(ConvolutionalNet(channels=3, units=6), rows=5)
    before = {name: (tensor.clone(), tensor._version) for name, tensor in own.model.state_dict().items()}
    inputs, states = own.batch["x"].clone(), (torch.get_rng_state(), str(np.random.get_state()))
    network_landscape(Problem(own.model, own.loss, own.batch, "train"), CONV2, method=method)
    for name, tensor in own.model.state_dict().items():
        assert torch.equal(tensor, before[name][0]), name
        assert tensor._version == before[name][1], name
    assert own.model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in own.model.parameters())
    assert torch.equal(own.batch["x"], inputs)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert str(np.random.get_state()) == states[1]


@pytest.mark.parametrize("limit", [0, 3000, 20_000])
def test_little_memory_gives_the_same_numbers(limit, monkeypatch):
    problem = cnn(dtype=torch.float64)
    wanted = compute(Prepared(problem), CONV2).values
    monkeypatch.setattr(known, "MEMO_BYTES", limit)
    monkeypatch.setattr(evaluating, "MEMO_BYTES", limit)
    of_checkpoint = Known(problem)
    replayer = Replayer(of_checkpoint, problem, CONV2)
    own = of_checkpoint.memo.nbytes  # parameters and minibatch
    assert error_of(replayer.points(range(9)), wanted) < FLOAT64
    assert of_checkpoint.memo.nbytes <= max(own, limit)
    assert error_of(compute(Prepared(problem), CONV2).values, wanted) < FLOAT64


def test_a_way_that_gives_other_numbers_is_passed_over(monkeypatch):
    def wrong(mode, func, args, kwargs):
        return moved.RULES[torch.tanh](mode, torch.sin, args, {})

    monkeypatch.setitem(moved.RULES, F.relu, wrong)
    found = compute(Prepared(net()), plane_of("a.bias[0]", "a.bias[1]"))
    assert found.method == "replay without channels"
    assert all("differs from the plain loop by" in reason for reason in found.passed_over), found.passed_over


@pytest.mark.parametrize("amount", [1e-6, 1e-2])
def test_a_slice_of_the_rows_finds_small_faults_and_all_rows_find_large_ones(amount, monkeypatch):
    def slightly_wrong(mode, func, args, kwargs):
        out = moved.RULES[torch.tanh](mode, torch.relu, args, {})
        # a fault of the slice alone, or of all rows but those of the slice
        rows = slice(0, 1) if amount < 1e-4 else slice(SOME_ROWS, None)
        factor = torch.ones(len(out.known), 1, dtype=out.dtype)
        factor[rows] += amount
        return Channels(out.known, out.axis, [part._replace(value=part.value * factor) for part in out.parts])

    torch.manual_seed(1)
    problem = Problem(Net(), cross_entropy, {"x": torch.randn(40, 6), "y": torch.randint(0, 3, (40,))})
    plane = plane_of("a.bias[0]", "a.bias[1]")
    right = compute(Prepared(problem), plane)
    assert right.method == "replay tiles (vmap)"
    monkeypatch.setitem(moved.RULES, F.relu, slightly_wrong)
    found = compute(Prepared(problem), plane)
    assert found.method == "replay without channels"
    assert all("differs from the plain loop by" in reason for reason in found.passed_over), found.passed_over
    assert error_of(found.values, right.values) < 1e-5


def test_a_loss_of_whole_minibatches_alone_is_checked_with_all_rows():
    def in_pairs(model, batch):
        if len(batch["x"]) != 40:
            raise ValueError("40 rows")
        return cross_entropy(model, batch)

    torch.manual_seed(1)
    problem = Problem(Net(), in_pairs, {"x": torch.randn(40, 6), "y": torch.randint(0, 3, (40,))})
    assert compute(Prepared(problem), plane_of("a.bias[0]", "a.bias[1]")).method == "replay tiles (vmap)"


def test_a_model_that_keeps_numbers_of_a_former_plane_gets_none_of_them():
    class Caches(Net):
        cache = None

        def forward(self, x):
            if self.cache is None:
                self.cache = (self.b.bias * 2).detach()
            return self.c(torch.tanh(self.a(x) + self.cache))

    torch.manual_seed(1)
    problem = Problem(Caches(), cross_entropy, {"x": torch.randn(40, 6), "y": torch.randint(0, 3, (40,))})
    shared = Prepared(problem)
    assert compute(shared, plane_of("a.bias[0]", "a.bias[1]")).method.startswith("replay")
    plane = plane_of("a.bias[0]", "b.bias[1]")
    found = compute(shared, plane)
    assert "differs from the plain loop" in found.passed_over[0]
    assert error_of(found.values, by_loop(problem, plane, range(9))) < 1e-5


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_norm_of_changed_channels_is_torchs_own(mode: Mode):
    own = example(ConvolutionalNet(channels=3, units=6), rows=5)
    plane = plane_of("conv1.weight[1,0,0,2]", "conv1.bias[1]")
    found = compute(Prepared(Problem(own.model, own.loss, own.batch, mode)), plane)
    assert found.method == "replay tiles (vmap)"
    wanted = by_loop(Problem(own.model, own.loss, own.batch, mode), plane, range(9))
    assert error_of(found.values, wanted) < 1e-4  # float32


@pytest.mark.parametrize("shape", [(5, 1, 4, 4), (6, 3), (4, 2, 7)], ids=str)
@pytest.mark.parametrize("is_affine", [True, False])
def test_a_norm_written_out_is_torchs_own_and_has_its_derivative(shape: tuple[int, ...], is_affine: bool):
    value = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight, bias = (torch.linspace(low, 2, shape[1], dtype=torch.float64) if is_affine else None for low in (0.5, -1))
    found = normed_written_out(value, weight, bias, 1e-3)
    wanted = F.batch_norm(value, None, None, weight, bias, training=True, eps=1e-3)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    slopes = [torch.autograd.grad(normed.square().cumsum(0).sum(), value)[0] for normed in (found, wanted)]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-11)


def test_many_numbers_for_a_point_are_computed_point_after_point(monkeypatch):
    for name in ("TILE_NUMBERS", "MOST_NUMBERS"):
        monkeypatch.setattr(evaluating, name, {"cpu": 100})
    found = compute(Prepared(cnn()), CONV2)
    assert found.method == "replay"
    assert "new numbers: one after the other is faster" in found.passed_over[0]


def test_what_is_known_is_forgotten_once_it_was_changed():
    shared = Prepared(cnn(mode="eval"))
    known, other = shared.known(torch.float32), shared.known(torch.float64)
    assert compute(shared, CONV2).method == "replay tiles (vmap)"
    assert known.is_sound()
    with torch.no_grad():
        known.model.tensors["conv1.bias"].add_(0)
    assert not known.is_sound()
    shared.forget(everything=False)
    assert shared.known(torch.float32) is not known
    assert shared.known(torch.float64) is other


@pytest.mark.parametrize("norm", [nn.LayerNorm(5), nn.BatchNorm1d(5), nn.GroupNorm(1, 5)])
def test_a_norms_own_parameters_change_single_channels(norm: nn.Module):
    """Of an input that does not move, and of one that does, where the norm keeps channels apart."""
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 5), norm, nn.Tanh(), nn.Linear(5, 3))
    problem = Problem(model, cross_entropy, {"x": torch.randn(12, 6), "y": torch.randint(0, 3, (12,))})
    made = {}
    for y in ("1.bias[3]", "0.bias[2]"):
        plane = plane_of("1.weight[1]", y)
        replayer = Replayer(Known(problem), problem, plane)
        made[y] = replayer.probe().num_made
        assert error_of(replayer.points(range(9)), by_loop(problem, plane, range(9))) < 1e-5
    all_channels = 2 * 12 * 5  # norm and tanh
    assert made["1.bias[3]"] < all_channels
    assert (made["0.bias[2]"] < all_channels) == isinstance(norm, nn.BatchNorm1d)


@pytest.mark.parametrize("shift", [-10.0, -0.5, 0.0, 0.5])
def test_what_lies_above_closed_gates_is_known(shift: float):
    """Two channels whose gates are closed everywhere, at some points, or nowhere."""
    torch.manual_seed(2)
    conv, norm = nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6)
    above = nn.Conv2d(6, 8, 3), nn.Flatten(), nn.Linear(8 * 16, 3)
    model = nn.Sequential(conv, norm, nn.ReLU(inplace=True), *above).eval()
    with torch.no_grad():
        conv.weight[:2] *= 0.1
        norm.bias[:2] = shift
    problem = Problem(model, cross_entropy, {"x": torch.randn(5, 1, 8, 8), "y": torch.tensor([0, 2, 1, 1, 0])})
    plane = plane_of("0.weight[0,0,1,1]", "1.bias[1]", half_width=0.7)
    replayer = Replayer(Known(problem), problem, plane)
    assert error_of(replayer.points(range(9)), by_loop(problem, plane, range(9))) < 1e-5
    memo, source = replayer.known.of_set(problem, 0)

    def reaches_the_loss(point: int) -> bool:
        steps = replayer._steps(point)
        replayer._loss(memo, source, steps, sees_closed_gates=True)
        return any(step.grad is not None for step in steps)

    assert {reaches_the_loss(point) for point in range(9)} == ({False, True} if shift == -0.5 else {shift > -1})


def test_points_do_not_depend_on_what_is_computed_with_them():
    problem = cnn()
    replayer = Replayer(Known(problem), problem, CONV2)
    whole = replayer.points(range(9))
    assert torch.equal(replayer.points([7, 2]), whole[[7, 2]])


def test_an_interrupted_landscape_ends_at_once():
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    for method in ("replay", "reference"):
        with asking(stop), pytest.raises(Enough):
            network_landscape(cnn(), CONV2, method=method)


def test_wrapped_models_are_what_they_wrap():
    problem = cnn("eval")
    wrapped = Problem(nn.DataParallel(problem.model), problem.loss, problem.batch)
    field, wanted = (network_landscape(each, CONV2).field for each in (wrapped, problem))
    np.testing.assert_array_equal(field.u, wanted.u)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ("conv2.bias[3]", "conv3.bias[0]", "this model has no parameter conv3.bias, only conv1.weight"),
        ("conv2.bias[3]", "conv2.bias[6]", "is out of range: conv2.bias takes [0..5]"),
        ("conv2.bias[3]", "conv2.weight[0]", "is out of range: conv2.weight takes"),
        ("conv2.bias[3]", "conv2.bias[3]", "a plane needs two different parameters"),
        ("conv2.bias[3]", "conv2.bias[-1]", "is not the name of a parameter"),
    ],
)
def test_a_wrong_parameter_is_refused(x, y, message):
    with pytest.raises(UserError) as error:
        network_landscape(cnn(), plane_of(x, y))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda model, batch: model(batch["x"]), "must return a tensor of real numbers"),
        (lambda model, batch: model(batch["x"]).argmax(1), "must return a tensor of real numbers"),
        (lambda model, batch: 1.0, "their mean, got float"),
        (lambda model, batch: model(batch["x"]).sum(1).log().log(), "is not finite"),
        (lambda model, batch: model(batch["z"]), "The loss fails in test_landscape.py, line "),
        (lambda model, batch: model(batch["x"][:, :3]).sum(1), "The loss fails in difficulties.py, line "),
    ],
)
def test_a_wrong_loss_is_told_in_one_line(loss, message):
    with pytest.raises(UserError) as error:
        network_landscape(net(loss), plane_of("a.bias[0]", "b.bias[0]"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "test"}, "`mode` must be one of eval, train, got test"),
        ({"dtype": torch.float16}, "`dtype` must be one of torch.float32, torch.float64"),
        ({"batch": {"x": 3}}, "A minibatch must hold a tensor"),
        ({"model": nn.ReLU()}, "has no parameters"),
        ({"model": F.relu}, "must be a torch.nn.Module"),
    ],
)
def test_a_wrong_problem_is_refused(values, message):
    own = net()
    given = {"model": own.model, "loss": own.loss, "batch": own.batch} | values
    with pytest.raises(UserError) as error:
        Problem(**given)
    assert message in str(error.value)


def test_the_reference_is_used_when_asked_for():
    quick, slow = (network_landscape(cnn(dtype=torch.float64), CONV2, method=m) for m in ("replay", "reference"))
    assert slow.method == LOOP
    np.testing.assert_allclose(quick.field.u, slow.field.u, rtol=1e-9, atol=1e-12)


def reasons(problem: Problem, x: str, y: str) -> tuple[set[int], set[int]]:
    field = network_landscape(problem, plane_of(x, y)).field
    return set(field.u_reason.ravel().tolist()), set(field.v_reason.ravel().tolist())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_zero_up_to_rounding_is_zero_and_named_and_what_lives_is_not(dtype):
    torch.manual_seed(0)
    normed = example(ConvolutionalNet(channels=3, units=6), rows=5)
    train = Problem(normed.model, normed.loss, normed.batch, "train", dtype=dtype)
    assert reasons(train, "conv1.bias[1]", "norm1.bias[1]") == ({ZeroReason.BATCH_STATISTICS}, {ZeroReason.NONE})
    evaluated = Problem(normed.model, normed.loss, normed.batch, dtype=dtype)
    assert reasons(evaluated, "conv1.bias[1]", "norm1.bias[1]") == ({ZeroReason.NONE}, {ZeroReason.NONE})
    chars = example(CharTransformer(characters=9, positions=8, width=8, heads=2, blocks=1), rows=4, positions=6)
    problem = Problem(chars.model, chars.loss, chars.batch, dtype=dtype)
    key, value = "blocks.0.attention.qkv.bias[9]", "blocks.0.attention.qkv.bias[17]"
    assert reasons(problem, key, value) == ({ZeroReason.KEYS}, {ZeroReason.NONE})
    assert reasons(problem, "position[7,2]", value) == ({ZeroReason.NOT_REACHED}, {ZeroReason.NONE})


@pytest.mark.parametrize("half_width", [0.0, -1.0, 100.5, float("nan")])
def test_a_plane_reaches_as_far_as_is_allowed_and_no_farther(half_width: float):
    axes = Scalar.parse("a.bias[0]"), Scalar.parse("a.bias[1]")
    assert Plane(*axes, half_width=100.0).steps[-1] == 100
    with pytest.raises(UserError, match=r"`half_width` must be in \(0, 100\]"):
        Plane(*axes, half_width=half_width)
