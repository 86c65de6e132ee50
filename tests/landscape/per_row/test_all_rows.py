"""All rows as points: lengths and coordinates are those of rows' gradients by backpropagation."""

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.per_row import all_rows
from gradviz.landscape.per_row.all_rows import AllRows, network_rows, problem_rows
from gradviz.landscape.per_row.influence import CannotTell
from gradviz.landscape.replay import Problem
from gradviz.landscape.statistics import parts_of
from tests.landscape.cases import Case, random_case
from tests.landscape.per_row.by_rows import gradient_of, row_gradients_of

# Shape suffixes: R = rows, P = parameters, 2 = the coordinates.

PAIR = ("hidden.1.linear.bias[0]", "hidden.0.linear.weight[2,1]")
PARTS = ["model", "hidden.1", "output", "hidden.0.linear.weight", "hidden.2.linear.bias"]


def found_of(case: Case, part: str | tuple[str, str]) -> AllRows:
    return network_rows(network_of(case.model, dtype=torch.float64), case.inputs, case.targets, part)


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])
def test_a_pair_is_the_gradient_of_each_row(regularizer: str):
    case = random_case(regularizer, num_rows=50, seed=3)
    wanted_R2 = torch.cat(
        [
            row_gradients_of(case, ["hidden.1.linear.bias"])[:, :1],
            row_gradients_of(case, ["hidden.0.linear.weight"])[:, [21]],
        ],
        1,
    ).numpy()
    found = found_of(case, PAIR)
    np.testing.assert_allclose(found.at_R2, wanted_R2, rtol=0, atol=1e-12 * abs(wanted_R2).max())
    np.testing.assert_allclose(found.lengths_R, np.hypot(*wanted_R2.T), rtol=1e-10, atol=1e-14)
    assert (found.sampled, found.share) == (None, 1.0)


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])
@pytest.mark.parametrize("part", PARTS)
def test_of_all_rows_the_plane_is_that_of_the_largest_singular_values(regularizer: str, part: str):
    """As many rows as the sample may have: then no plane holds more, and coordinates are those of the decomposition."""
    case = random_case(regularizer, num_rows=40, seed=5)
    rows_RP = row_gradients_of(case, parts_of(network_of(case.model))[part]).numpy()
    found = found_of(case, part)
    np.testing.assert_allclose(found.lengths_R, np.linalg.norm(rows_RP, axis=1), rtol=1e-10)
    left, sizes, _ = np.linalg.svd(rows_RP, full_matrices=False)
    wanted_R2 = left[:, :2] * sizes[:2]
    np.testing.assert_allclose(abs(found.at_R2), abs(wanted_R2), atol=1e-8 * sizes[0])
    assert found.share == pytest.approx((sizes[:2] ** 2).sum() / (sizes**2).sum(), rel=1e-10)
    assert (found.at_R2.mean(0) >= 0).all()
    assert found.sampled == 40


def test_a_smaller_sample_gives_exact_projections_on_its_directions(monkeypatch: pytest.MonkeyPatch):
    """Coordinates of rows outside the sample: inner products with unit vectors, so never longer than the row."""
    monkeypatch.setattr(all_rows, "SAMPLE_ROWS", 12)
    monkeypatch.setattr(all_rows, "ROWS_AT_ONCE", 16)  # and in blocks
    case = random_case("none", num_rows=60, seed=8)
    rows_RP = row_gradients_of(case, parts_of(network_of(case.model))["model"]).numpy()
    found = found_of(case, "model")
    assert found.sampled == 12
    sample = torch.randperm(60, generator=torch.Generator().manual_seed(0))[:12].numpy()
    _, _, directions = np.linalg.svd(rows_RP[sample], full_matrices=False)
    np.testing.assert_allclose(abs(found.at_R2), abs(rows_RP @ directions[:2].T), atol=1e-9 * found.lengths_R.max())
    assert (np.hypot(*found.at_R2.T) <= found.lengths_R * (1 + 1e-12)).all()


def test_one_parameter_has_one_direction():
    case = random_case("none", num_rows=20, seed=1)
    found = found_of(case, "output.bias")
    assert not found.at_R2[:, 1].any()
    np.testing.assert_allclose(abs(found.at_R2[:, 0]), found.lengths_R, rtol=1e-12)
    assert found.share == pytest.approx(1)


def test_the_same_rows_give_the_same_points_to_the_bit():
    case = random_case("none", num_rows=30)
    one, other = found_of(case, "model"), found_of(case, "model")
    assert (one.at_R2 == other.at_R2).all()


@pytest.mark.parametrize("part", ["hidden.9", ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[99]")])
def test_a_part_that_is_not_there_is_told(part: str | tuple[str, str]):
    with pytest.raises(UserError, match=r"no part of this model|out of range"):
        found_of(random_case("none"), part)


# ---- any network ----------------------------------------------------------------------------------------------


def squares(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return (model(batch[0])[:, 0] - batch[1]) ** 2


def made() -> nn.Sequential:
    generator = torch.Generator().manual_seed(3)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    return model


def problems(loss, model: nn.Module | None = None) -> list[Problem]:
    generator, model = torch.Generator().manual_seed(0), model or made()
    return [
        Problem(model, loss, (torch.randn((size, 3), generator=generator), torch.randn(size, generator=generator)))
        for size in (5, 7, 4)
    ]


@pytest.mark.parametrize("sample_rows", [100, 6])
@pytest.mark.parametrize("part", ["model", "0", "2.weight"])
def test_rows_of_any_network_are_those_of_backpropagation(part: str, sample_rows: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(all_rows, "SAMPLE_ROWS", sample_rows)
    names = {"model": ["0.weight", "0.bias", "2.weight", "2.bias"], "0": ["0.weight", "0.bias"]}.get(part, [part])
    model, each = made().double(), problems(squares)
    rows_RP = torch.stack(
        [
            gradient_of(model, squares(model, (inputs[None].double(), target[None].double())).sum(), names)
            for problem in each
            for inputs, target in zip(*problem.batch, strict=True)
        ]
    ).numpy()
    found = problem_rows(each, part)
    np.testing.assert_allclose(found.lengths_R, np.linalg.norm(rows_RP, axis=1), rtol=1e-9)
    _, _, directions = np.linalg.svd(rows_RP[:sample_rows], full_matrices=False)
    np.testing.assert_allclose(abs(found.at_R2), abs(rows_RP @ directions[:2].T), atol=1e-8 * found.lengths_R.max())
    assert found.sampled == min(16, sample_rows)


@pytest.mark.parametrize("part", ["model", ("0.bias[0]", "0.bias[1]")])
def test_rows_that_depend_on_each_other_have_no_points(part: str | tuple[str, str]):
    def coupled(model, batch):
        return (model(batch[0])[:, 0].std() - batch[1].mean()) ** 2

    with pytest.raises(CannotTell, match="no gradients of their own"):
        problem_rows(problems(coupled), part)


def test_rows_too_large_to_hold_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(all_rows, "HELD", 100)
    with pytest.raises(CannotTell, match=r"7 rows by the 21 parameters"):
        problem_rows(problems(squares), "model")
