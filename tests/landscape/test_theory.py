"""What must be true of any gradient landscape, whatever computes it."""

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, gradient_landscape
from tests.landscape.cases import KINDS, modes_of, parameters_of, random_case


def landscape(case, **values):
    values = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]", "points": 5} | values
    return gradient_landscape(case.model, case.inputs, case.targets, LandscapeSpec(**values), dtype=torch.float64)


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_field_is_the_derivative_of_the_loss_under_it(regularizer, placement):
    """Central differences of the drawn loss; smooth points are those whose one-sided differences agree."""
    case = random_case(regularizer, placement, seed=5)
    names = parameters_of(case)
    compared = 0
    for x, y in zip(names[::2], names[1::2], strict=False):
        for mode in modes_of(regularizer):
            if mode.get("masks", "frozen") == "fresh":
                continue
            field = landscape(case, x=x, y=y, points=41, half_width=1e-4, **mode)
            step = field.x[1] - field.x[0]
            for axis, derivative in ((1, field.u), (0, field.v)):
                forward = np.diff(field.loss, axis=axis) / step
                ahead = np.delete(forward, 0, axis=axis)
                behind = np.delete(forward, -1, axis=axis)
                middle = np.delete(derivative, [0, -1], axis=axis)
                # Curvature makes the two sides differ by about step * J''; a kink by a row's whole term, > 1e-3 here.
                smooth = abs(ahead - behind) < 1e-4
                compared += smooth.sum()
                np.testing.assert_allclose(((ahead + behind) / 2)[smooth], middle[smooth], atol=2e-4)
    assert compared > 1000


def test_frozen_masks_give_the_same_field_twice():
    case = random_case("dropout")
    first, second = (landscape(case, mode="train", masks="frozen", seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.u, second.u)
    np.testing.assert_array_equal(first.loss, second.loss)


def test_fresh_masks_are_a_function_of_the_seed():
    case = random_case("dropout")
    first, second, other = (landscape(case, mode="train", masks="fresh", seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.u, second.u)
    assert (first.u != other.u).mean() > 0.8


def test_averaged_masks_tend_to_the_mean_over_masks():
    """The mean of K sets is within a few standard errors of the mean over many fresh draws at the same point."""
    case = random_case("dropout")
    spread = [landscape(case, mode="train", masks="frozen", seed=seed).centre[0] for seed in range(200)]
    averaged = [landscape(case, mode="train", masks="averaged", num_masks=k, seed=1000).centre[0] for k in (1, 64)]
    standard_error = np.std(spread) * np.sqrt(1 / 64 + 1 / 200)
    assert abs(averaged[1] - np.mean(spread)) < 4 * standard_error
    assert averaged[0] != averaged[1]


def test_one_averaged_mask_is_the_frozen_mask():
    case = random_case("dropout")
    frozen = landscape(case, mode="train", masks="frozen", seed=2)
    averaged = landscape(case, mode="train", masks="averaged", num_masks=1, seed=2)
    np.testing.assert_array_equal(frozen.u, averaged.u)


def test_the_centre_is_the_checkpoint_itself():
    case = random_case("none")
    field = landscape(case, points=21)
    bias = dict(case.model.named_parameters())["hidden.1.linear.bias"]
    assert field.x[10] == bias[0].item()
    assert field.y[10] == bias[1].item()
    with torch.no_grad():
        loss = (case.model(case.inputs) - case.targets).abs().mean()
    assert field.loss[10, 10] == pytest.approx(loss.item(), rel=1e-6)


def test_share_below_counts_rows_predicted_below_their_target():
    case = random_case("none")
    with torch.no_grad():
        expected = (case.model(case.inputs) < case.targets).float().mean().item()
    assert 0 < expected < 1
    assert landscape(case).share_below == pytest.approx(expected)
    assert landscape(case).num_rows == 16


def test_train_mode_without_regularizer_is_eval_mode():
    case = random_case("none")
    np.testing.assert_array_equal(landscape(case, mode="train").u, landscape(case, mode="eval").u)
