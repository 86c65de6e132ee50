"""Each row's own arrow at the checkpoint: against autograd of each row's own loss in float64."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradviz.errors import NotHere, UserError
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.per_row.at_checkpoint import RowsAtCheckpoint, rows_by_engine, rows_by_replay
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from tests.landscape.cases import KINDS, Case, _masks, modes_of, parameters_of, random_case

CASES = [(*kind, mode) for kind in KINDS for mode in modes_of(kind[0])]


def autograd_rows(case: Case, spec: LandscapeSpec) -> np.ndarray:
    """(B, 3) float64: each row's loss and its derivatives, by a backward pass of the model for each row."""
    model = random_like(case)
    model.train(spec.mode == "train")
    tensors = dict(model.named_parameters())
    draws = spec.mode == "train" and model.regularizer.draws_masks
    numbers = mask_numbers(spec, spec.points**2 // 2) if draws else [None]
    rows = []
    for number in numbers:
        masks = None if number is None else _masks(case, spec, number)
        losses_B = (model(case.inputs.double(), masks) - case.targets.double()).abs()
        for loss in losses_B:
            gradients = torch.autograd.grad(loss, list(tensors.values()), retain_graph=True, allow_unused=True)
            by_name = dict(zip(tensors, gradients, strict=True))
            slopes = [entry(by_name[ref.tensor_name], ref.index) for ref in spec.refs]
            rows.append([loss.item(), *slopes])
    return np.array(rows).reshape(len(numbers), len(case.targets), 3).mean(0)


def random_like(case: Case) -> Any:
    model = type(case.model)(
        num_inputs=case.inputs.shape[1],
        hidden=case.model.widths,
        regularizer=case.model.regularizer,
        output_scale=case.model.output_scale,
    )
    model.load_state_dict(case.model.state_dict())
    return model.double()


def entry(gradient: Tensor | None, index: tuple[int, ...]) -> float:
    return 0.0 if gradient is None else gradient[index].item()


def columns(found: RowsAtCheckpoint) -> np.ndarray:
    return np.stack([found.loss_B, found.u_B, found.v_B], 1)


@pytest.mark.parametrize(("regularizer", "placement", "mode"), CASES, ids=str)
def test_the_engines_rows_are_those_of_autograd_row_by_row(regularizer: str, placement: str, mode: dict[str, Any]):
    case = random_case(regularizer, placement, seed=3)
    for x, y in list(pairwise(parameters_of(case)))[::3]:
        spec = LandscapeSpec(x=x, y=y, points=3, **mode)
        minibatch = Minibatch(network_of(case.model, dtype=torch.float64), case.inputs, case.targets)
        found, wanted = rows_by_engine(minibatch, spec), autograd_rows(case, spec)
        # Both are sums of the same products in float64, in another order.
        np.testing.assert_allclose(columns(found), wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
        field = minibatch.landscape(spec)
        assert (found.u_B.mean(), found.v_B.mean()) == pytest.approx((field.u[1, 1], field.v[1, 1]), abs=1e-12)
        if found.shares_B is not None:
            assert found.shares_B.sum() == pytest.approx(1, abs=1e-9)


def test_in_float32_the_rows_are_those_of_float64_to_rounding():
    case = random_case("none", seed=3)
    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.2.linear.weight[1,2]", points=3)
    found = rows_by_engine(Minibatch(network_of(case.model), case.inputs, case.targets), spec)
    wanted = autograd_rows(case, spec)
    # Three layers of sums of about ten terms: some units of 1e-7 each.
    np.testing.assert_allclose(columns(found), wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())


def test_a_unit_is_active_on_a_row_where_its_gate_is_open():
    case = random_case("none", seed=3)
    open_BN = (case.model.get_submodule("hidden.0.linear")(case.inputs) > 0).numpy()
    unit = int(np.abs(open_BN.mean(0) - 0.5).argmin())
    spec = LandscapeSpec(x=f"hidden.0.linear.bias[{unit}]", y="output.bias[0]", points=3)
    found = rows_by_engine(Minibatch(network_of(case.model), case.inputs, case.targets), spec)
    open_B = open_BN[:, unit]
    assert found.active_x_B is not None
    assert found.active_y_B is not None
    np.testing.assert_array_equal(found.active_x_B, open_B)
    assert 0 < open_B.sum() < len(open_B), "a gate that is always open shows nothing"
    assert not found.u_B[~open_B].any()
    assert found.active_y_B.all()


def test_where_the_rows_cancel_no_row_has_a_share():
    found = RowsAtCheckpoint(np.ones(2), np.array([1.0, -1.0]), np.array([0.5, -0.5]))
    assert found.shares_B is None
    found = RowsAtCheckpoint(np.ones(2), np.array([3.0, -1.0]), np.zeros(2))
    assert found.shares_B is not None
    np.testing.assert_allclose(found.shares_B, [1.5, -0.5])


# ---- any network ----------------------------------------------------------------------------------------------


class Convolutional(nn.Module):
    def __init__(self, *, norm: bool, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.dropout(self.norm(self.conv(images)).relu().mean((2, 3))))


class Attentive(nn.Module):
    """Fused attention, which torch cannot differentiate twice."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.query, self.head = nn.Embedding(7, 8, sparse=True), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens)[:, None]
        return self.head(nn.functional.scaled_dot_product_attention(self.query(x), x, x)[:, 0].mean(1))


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def images() -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(1)
    return torch.randn(9, 1, 6, 6, generator=made), torch.randint(3, (9,), generator=made)


def tokens() -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(1)
    return torch.randint(7, (9, 5), generator=made), torch.randint(3, (9,), generator=made)


NETWORKS = {
    "plain": (lambda: Convolutional(norm=False, dropout=0.0), images, "conv.weight[1,0,2,1]", "head.bias[0]"),
    "norm": (lambda: Convolutional(norm=True, dropout=0.0), images, "conv.weight[1,0,2,1]", "norm.weight[2]"),
    "attention": (Attentive, tokens, "query.weight[3,4]", "token.weight[2,1]"),
}


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", NETWORKS)
def test_rows_of_any_network_are_those_of_autograd_row_by_row(name: str, mode: Any):
    make, batch_of, x, y = NETWORKS[name]
    torch.manual_seed(4)
    model, (inputs, targets) = make(), batch_of()
    found = rows_by_replay(
        Problem(model, cross_entropy, (inputs, targets), mode=mode), Plane(Scalar.parse(x), Scalar.parse(y))
    )
    exact = model.double().train(mode == "train")
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    losses_B = cross_entropy(exact, (inputs, targets))
    wanted, axes = [], (Scalar.parse(x), Scalar.parse(y))
    own = dict(exact.named_parameters())
    for loss in losses_B:
        gradients = torch.autograd.grad(loss, [own[axis.name] for axis in axes], retain_graph=True)
        wanted.append(
            [loss.item(), *(g.to_dense()[axis.index].item() for g, axis in zip(gradients, axes, strict=True))]
        )
    assert found is not None
    np.testing.assert_allclose(columns(found), wanted, rtol=1e-9, atol=1e-12)


def test_masks_are_those_of_the_landscape():
    torch.manual_seed(4)
    problem = Problem(Convolutional(norm=False, dropout=0.4), cross_entropy, images(), mode="train", masks="averaged")
    plane = Plane(Scalar.parse("conv.weight[1,0,2,1]"), Scalar.parse("head.bias[0]"), points=3)
    field = network_landscape(problem, plane).field
    found = rows_by_replay(problem, plane)
    assert found is not None
    assert (found.u_B.mean(), found.v_B.mean()) == pytest.approx((field.u[1, 1], field.v[1, 1]), rel=1e-5)


def test_along_directions_a_rows_arrow_is_the_projection_of_its_gradient():
    torch.manual_seed(4)
    model, (inputs, targets) = Convolutional(norm=False, dropout=0.0), images()
    made = torch.Generator().manual_seed(2)
    directions = [
        {name: torch.randn(p.shape, generator=made).double() for name, p in model.named_parameters()} for _ in range(2)
    ]
    x, y = (Vector("random:1", parts, "") for parts in directions)
    plane = Plane(x, y)
    found = rows_by_replay(Problem(model, cross_entropy, (inputs, targets)), plane)
    assert found is not None
    exact = model.double()
    for k, loss in enumerate(cross_entropy(exact, (inputs.double(), targets))):
        gradients = torch.autograd.grad(loss, list(exact.parameters()), retain_graph=True)
        slopes = [sum((g * d).sum() for g, d in zip(gradients, each.values(), strict=True)) for each in directions]
        assert [found.u_B[k], found.v_B[k]] == pytest.approx([float(slope) for slope in slopes], rel=1e-9)


def test_what_batch_statistics_take_out_is_exactly_zero():
    torch.manual_seed(4)
    problem = Problem(Convolutional(norm=True, dropout=0.0), cross_entropy, images(), mode="train")
    found = rows_by_replay(problem, Plane(Scalar.parse("conv.bias[0]"), Scalar.parse("norm.bias[0]")))
    assert found is not None
    assert not found.u_B.any()
    assert found.v_B.any()


def test_one_number_for_all_rows_gives_no_rows():
    def mean(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return cross_entropy(model, batch).mean()

    problem = Problem(Convolutional(norm=False, dropout=0.0), mean, images())
    assert rows_by_replay(problem, Plane(Scalar.parse("head.bias[0]"), Scalar.parse("head.bias[1]"))) is None


BIASES = Plane(Scalar.parse("head.bias[0]"), Scalar.parse("head.bias[1]"))


def test_another_number_of_losses_than_of_rows_is_refused():
    torch.manual_seed(4)
    model = Convolutional(norm=False, dropout=0.0)
    wrong = {
        1: lambda model, batch: cross_entropy(model, batch).mean().unsqueeze(0),
        18: lambda model, batch: cross_entropy(model, batch).repeat(2),
    }
    for count, loss in wrong.items():
        with pytest.raises(UserError, match=rf"`loss` returns {count} losses for 9 rows"):
            rows_by_replay(Problem(model, loss, images()), BIASES)


def test_the_mean_of_a_minibatch_of_one_row_is_that_row_s():
    torch.manual_seed(4)
    model, (inputs, targets) = Convolutional(norm=False, dropout=0.0), images()
    one = inputs[:1], targets[:1]
    found = rows_by_replay(Problem(model, lambda model, batch: cross_entropy(model, batch).mean(), one), BIASES)
    wanted = rows_by_replay(Problem(model, cross_entropy, one), BIASES)
    assert found is not None
    assert wanted is not None
    np.testing.assert_array_equal(columns(found), columns(wanted))


def test_what_is_not_finite_is_told():
    torch.manual_seed(4)
    model = Convolutional(norm=False, dropout=0.0)
    with torch.no_grad():
        model.head.bias[0] = torch.inf
    with pytest.raises(NotHere, match="not finite at this checkpoint"):
        rows_by_replay(Problem(model, cross_entropy, images()), BIASES)
