"""The sampling ellipse: its covariance is that of rows' gradients by autograd, and minibatches drawn fall into it."""

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.replay import Problem, Scalar
from gradviz.landscape.statistics.row_gradients import row_slopes
from gradviz.landscape.statistics.sampling import pair_sampling, sampling_of
from tests.landscape.cases import Case, random_case

# Shape suffixes: R = rows, 2 = the two parameters, D = draws.

WITHIN = -2 * np.log(0.05)
"""Of (g - mean)' C⁻¹ (g - mean), two normal numbers: 5.99."""
PAIRS = [
    ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[3]"),
    ("hidden.0.linear.weight[2,1]", "output.bias[0]"),
    ("output.weight[0,1]", "hidden.2.linear.bias[0]"),
]


def by_autograd(case: Case, pair: tuple[str, str]) -> np.ndarray:
    """(R, 2): one backward pass a row."""
    model, refs, rows = case.model.double(), [ParameterRef.parse(text) for text in pair], []
    parameters = dict(model.named_parameters())
    for inputs, target in zip(case.inputs.double(), case.targets.double(), strict=True):
        model.zero_grad()
        (model(inputs[None]) - target).abs().sum().backward()
        gradients = [parameters[ref.tensor_name].grad for ref in refs]
        rows.append([0.0 if g is None else g[ref.index].item() for g, ref in zip(gradients, refs, strict=True)])
    return np.array(rows)


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])  # in eval mode, with running statistics
@pytest.mark.parametrize("pair", PAIRS)
def test_mean_and_covariance_are_those_of_the_rows(regularizer: str, pair: tuple[str, str]):
    case = random_case(regularizer, num_rows=40, seed=4)
    rows_R2 = by_autograd(case, pair)
    network = network_of(case.model, dtype=torch.float64)
    refs = [ParameterRef.parse(text) for text in pair]
    found = pair_sampling(network, case.inputs, case.targets, refs, 8)
    size = abs(rows_R2).max()
    assert (found.u, found.v) == pytest.approx(tuple(rows_R2.mean(0)), abs=1e-12 * size)
    covariance = np.cov(rows_R2.T) * (1 / 8 - 1 / 40)  # the divisor is 39
    np.testing.assert_allclose(
        [[found.uu, found.uv], [found.uv, found.vv]], covariance, rtol=1e-9, atol=1e-12 * size**2
    )
    assert (found.num_rows, found.of_rows) == (8, 40)


def test_the_covariance_is_that_of_all_minibatches_that_can_be_drawn():
    """All 15 minibatches of 2 of 6 rows: their covariance is exact, not estimated."""
    rows_R2 = torch.randn((6, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    means = np.array([((rows_R2[j] + rows_R2[k]) / 2).numpy() for j in range(6) for k in range(j)])
    found = sampling_of(rows_R2, 2)
    assert (found.u, found.v) == pytest.approx(tuple(means.mean(0)))
    np.testing.assert_allclose([[found.uu, found.uv], [found.uv, found.vv]], np.cov(means.T, bias=True), rtol=1e-12)


def test_all_rows_together_are_the_mean_alone():
    found = sampling_of(torch.randn((6, 2), generator=torch.Generator().manual_seed(1)), 6)
    assert (found.uu, found.uv, found.vv) == (0, 0, 0)


def test_95_percent_of_the_minibatches_drawn_lie_in_the_ellipse():
    """4,000 minibatches of 32 of 200 rows, whose share within is known to 0.4 %; a normal one would be 95 %."""
    case = random_case("none", num_rows=200, seed=7)
    rows_R2 = by_autograd(case, PAIRS[0])
    network = network_of(case.model, dtype=torch.float64)
    found = pair_sampling(network, case.inputs, case.targets, [ParameterRef.parse(text) for text in PAIRS[0]], 32)
    generator = np.random.default_rng(0)
    drawn_D2 = np.array([rows_R2[generator.permutation(200)[:32]].mean(0) for _ in range(4000)]) - (found.u, found.v)
    covariance = np.array([[found.uu, found.uv], [found.uv, found.vv]])
    distances_D = (drawn_D2 * np.linalg.solve(covariance, drawn_D2.T).T).sum(1)
    assert 0.93 <= np.mean(distances_D <= WITHIN) <= 0.97


def test_a_parameter_that_is_not_there_is_told():
    case = random_case("none")
    with pytest.raises(UserError, match="out of range"):
        pair_sampling(
            network_of(case.model), case.inputs, case.targets, [ParameterRef.parse("hidden.1.linear.bias[99]")] * 2, 4
        )


# ---- any network ----------------------------------------------------------------------------------------------


def problems(model: nn.Module, loss) -> list[Problem]:
    generator = torch.Generator().manual_seed(0)
    return [
        Problem(model, loss, (torch.randn((5, 3), generator=generator), torch.randn(5, generator=generator)))
        for _ in range(3)
    ]


def made() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)).eval()


def squares(model, batch):
    return (model(batch[0])[:, 0] - batch[1]) ** 2


@pytest.mark.parametrize("pair", [("0.bias[1]", "2.weight[3,0]"), ("2.weight[1,2]", "2.weight[0,3]")])
def test_slopes_of_rows_are_those_of_autograd(pair: tuple[str, str]):
    each = problems(made(), squares)
    scalars = [Scalar.parse(text) for text in pair]
    found = row_slopes(each, scalars)
    wanted = []
    for problem in each:
        for row in zip(*problem.batch, strict=True):
            model = made().double()
            squares(model, [part[None].double() for part in row]).sum().backward()
            gradients = dict(model.named_parameters())
            wanted.append([gradients[s.name].grad[s.index].item() for s in scalars])  # pyright: ignore[reportOptionalSubscript]
    assert found is not None
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-9)


def test_a_tied_tensor_is_found_under_each_of_its_names():
    model, again = made(), nn.Linear(4, 4)
    again.weight = model.get_parameter("2.weight")
    model.insert(3, again)
    each = problems(model, squares)
    a, b = (
        row_slopes(each, [Scalar.parse(name), Scalar.parse("0.bias[0]")]) for name in ("2.weight[0,1]", "3.weight[0,1]")
    )
    assert a is not None
    assert torch.equal(a, b)  # pyright: ignore[reportArgumentType]


def test_rows_that_are_coupled_have_no_slopes():
    def coupled(model, batch):
        return (model(batch[0])[:, 0].std() - batch[1].mean()) ** 2

    assert row_slopes(problems(made(), coupled), [Scalar.parse("0.bias[0]"), Scalar.parse("0.bias[1]")]) is None
