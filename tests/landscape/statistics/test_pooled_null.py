"""The null model for any network: cuts of mixed rows as sums of rows' gradients, as backward passes, and by hand."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.study import loss as l1
from gradviz.landscape import models
from gradviz.landscape.replay import Problem
from gradviz.landscape.statistics import example_products, null_agreement, pooled_null
from gradviz.landscape.statistics.pooled_rows import REDRAWS
from gradviz.landscape.statistics.row_gradients import row_gradients
from tests.landscape.cases import random_case
from tests.landscape.replay.independent import FLOAT64
from tests.landscape.statistics.test_problem_products import by_plain_autograd, problems_of

CUTS = 3


def cut_by_hand(problems: list[Problem], parameters: list[str], seed: int) -> list[tuple[float, float, float]]:
    """R, mean cosine and share of opposite pairs of each cut, by the gradient of each row alone."""
    rows = []
    for problem in problems:
        for row in range(problem.num_rows):
            alone = replace(problem, batch={name: each[row : row + 1] for name, each in problem.batch.items()})
            [gradients] = by_plain_autograd([alone])
            rows.append(np.concatenate([gradients[name].flatten() for name in parameters]))
    generator, found = np.random.default_rng(seed), []
    for _ in range(CUTS):
        order = generator.permutation(len(rows)).tolist()
        means = [np.mean([rows[order.pop(0)] for _ in range(problem.num_rows)], 0) for problem in problems]
        units = [mean / np.linalg.norm(mean) for mean in means]
        cosines = [one @ other for one, other in combinations(units, 2)]
        found.append((np.linalg.norm(np.mean(units, 0)), np.mean(cosines), np.mean(np.array(cosines) < 0)))
    return found


@pytest.mark.parametrize(("name", "part"), [("cnn", "fc1"), ("transformer", "model")])
def test_cuts_are_those_by_hand(name, part):
    problems = problems_of(name, "eval", "fresh")
    own = dict(problems[0].model.named_parameters())
    names = [each for each in own if part == "model" or each.startswith(part)]
    assert row_gradients(problems, names) is not None
    found = pooled_null(problems, np.random.default_rng(4), parts=[part], draws=CUTS)[part]
    wanted = np.array(cut_by_hand(problems, names, 4))
    for estimate, values in zip((found.resultant, found.cosine, found.opposite), wanted.T, strict=True):
        assert estimate is not None
        assert estimate.value == pytest.approx(values.mean(), abs=FLOAT64)
        assert (estimate.low, estimate.high) == pytest.approx(np.quantile(values, (0.025, 0.975)), abs=FLOAT64)
    assert (found.num_draws, found.num_minibatches) == (CUTS, len(problems))
    assert found.num_rows == sum(problem.num_rows for problem in problems)


def test_backward_passes_give_the_same_cuts(monkeypatch: pytest.MonkeyPatch):
    problems = problems_of("cnn", "eval", "fresh")
    by_rows = pooled_null(problems, np.random.default_rng(4), parts=["model", "norm1"], draws=CUTS)
    monkeypatch.setattr("gradviz.landscape.statistics.pooled_rows.row_gradients", lambda *_: None)
    by_passes = pooled_null(problems, np.random.default_rng(4), parts=["model", "norm1"], draws=CUTS)
    for part, found in by_passes.items():
        same, cosine = by_rows[part].cosine, found.cosine
        assert same is not None
        assert cosine is not None
        assert (cosine.value, cosine.low, cosine.high) == pytest.approx((same.value, same.low, same.high), abs=FLOAT64)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("cnn", "train"), ("cnn with dropout", "train"), ("gru", "eval")],  # batch statistics, masks, no rule for vmap
)
def test_rows_without_gradients_of_their_own_are_redrawn(name, mode):
    problems = problems_of(name, mode, "fresh")
    part = next(iter(dict(problems[0].model.named_parameters())))
    if name != "gru":
        assert row_gradients(problems, [part]) is None
    found = pooled_null(problems, np.random.default_rng(0), parts=[part])[part]
    assert found.resultant is not None
    if name != "gru":
        assert found.num_draws == REDRAWS


def test_a_loss_that_couples_its_rows_has_no_gradients_of_rows():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)

    def weighted(model, batch):  # the mean over rows that count
        inputs, weights = batch
        return (model(inputs).square().sum(1) * weights).sum() / weights.sum()

    alike = [Problem(model, weighted, (torch.randn(6, 3), torch.ones(6))) for _ in range(3)]
    assert row_gradients(alike, ["weight"]) is not None
    mixed = [*alike[:2], replace(alike[2], batch=(alike[2].batch[0], torch.tensor([1.0, 1, 1, 0, 0, 1])))]
    assert row_gradients(mixed, ["weight"]) is None
    assert pooled_null(mixed, np.random.default_rng(0), parts=["model"])["model"].resultant is not None


def test_the_built_in_network_s_null_model_is_the_same():
    case = random_case("none", seed=5, num_rows=24)
    network = models.network_of(case.model, dtype=torch.float64)
    products = example_products(network, case.inputs, case.targets, parts=["hidden.1.linear.bias"])
    own = null_agreement(products["hidden.1.linear.bias"], 8, np.random.default_rng(2), draws=5)
    batches = zip(case.inputs.split(8), case.targets.split(8), strict=True)
    problems = [Problem(case.model, l1, batch, dtype=torch.float64) for batch in batches]
    found = pooled_null(problems, np.random.default_rng(2), parts=["hidden.1.linear.bias"], draws=5)
    for name in ("resultant", "cosine", "opposite"):
        # the products of rows' gradients are averaged in float32
        assert getattr(found["hidden.1.linear.bias"], name).value == pytest.approx(getattr(own, name).value, abs=1e-6)


def test_minibatches_of_other_sizes_are_cut_into_the_same_sizes():
    problems = problems_of("cnn", "eval", "fresh")
    batch = problems[2].batch
    smaller = replace(problems[2], batch={"x": batch["x"][:2], "y": batch["y"][:2]})
    found = pooled_null([*problems[:2], smaller], np.random.default_rng(0), parts=["model"])["model"]
    assert found.num_rows == 5 + 5 + 2


def test_rows_that_cannot_be_mixed_are_told():
    first, second, third = problems_of("cnn", "eval", "fresh")
    wider = replace(third, batch={**third.batch, "x": torch.randn(5, 1, 12, 12)})
    with pytest.raises(UserError, match="The rows of minibatches 0 and 2 cannot be mixed: they differ in x by more"):
        pooled_null([first, second, wider], np.random.default_rng(0), parts=["model"])
    with pytest.raises(UserError, match="this run has only one"):
        pooled_null([first], np.random.default_rng(0), parts=["model"])
