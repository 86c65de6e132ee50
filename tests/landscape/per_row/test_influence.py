"""The influence of rows: what inner products tell is what backpropagation gives without each row, in float64."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.backward import Backward, backward
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.network import Network
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.per_row import network_influence as of_network
from gradviz.landscape.per_row.influence import CannotTell, Influence, influence_of_rows, opposing_pairs
from gradviz.landscape.per_row.network_influence import network_influence
from gradviz.landscape.per_row.problem_influence import problem_influence
from gradviz.landscape.per_row.row_factors import RowFactors
from gradviz.landscape.replay import Problem
from gradviz.landscape.request import Mode
from gradviz.landscape.statistics import minibatch_agreement, parts_of
from gradviz.landscape.statistics.inner_products import ENTRIES_AT_ONCE
from tests.landscape.cases import Case, random_case
from tests.landscape.per_row.by_rows import gradient_of

# Shape suffixes: K = minibatches, B = rows of each, P = parameters.

PAIR = ("hidden.1.linear.bias[0]", "hidden.0.linear.weight[2,1]")
PARTS: list[str | tuple[str, str]] = [PAIR, "model", "hidden.1", "output", "hidden.0.linear.weight"]
K, B, AT = 5, 6, 2

Gradient = Callable[[int, Sequence[int]], np.ndarray]
"""Of a minibatch, by its number, from these of its rows."""


def minibatches_of(case: Case) -> list[tuple[Tensor, Tensor]]:
    return list(zip(case.inputs.split(B), case.targets.split(B), strict=True))


def case_of(regularizer: str) -> Case:
    return random_case(regularizer, num_rows=K * B, seed=7)


def by_backpropagation(case: Case, part: str | tuple[str, str], **random: object) -> Gradient:
    """From scratch: the model itself, on the rows that are left. Masks are those of the rows' places."""
    names = parts_of(network_of(case.model))[part] if isinstance(part, str) else []
    refs = [] if isinstance(part, str) else [ParameterRef.parse(text) for text in part]
    mode = random.get("mode", "eval")

    def gradient(k: int, rows: Sequence[int]) -> np.ndarray:
        model = copy.deepcopy(case.model).double().train(mode == "train" and not case.model.regularizer.draws_masks)
        inputs, targets = minibatches_of(case)[k]
        sets = {"fresh": [k], "frozen": [0], "averaged": range(3)}[str(random.get("masks", "fresh"))]
        if mode == "eval" or not case.model.regularizer.draws_masks:
            sets = [None]
        total = []
        for number in sets:
            predictions = (
                predicted(model, inputs.double(), number)[list(rows)]
                if number is not None
                else model(inputs[list(rows)].double())
            )
            loss = (predictions - targets[list(rows)].double()).abs().mean()
            if refs:
                tensors = [ref.tensor_name for ref in refs]
                each = gradient_of(model, loss, tensors)
                own, starts = (
                    dict(model.named_parameters()),
                    np.cumsum([0, *(dict(model.named_parameters())[n].numel() for n in tensors)]),
                )
                places = [int(np.ravel_multi_index(ref.index, own[ref.tensor_name].shape)) for ref in refs]
                total.append(each[[int(start) + place for start, place in zip(starts, places, strict=False)]])
            else:
                total.append(gradient_of(model, loss, names))
        return torch.stack(total).mean(0).numpy()

    return gradient


def predicted(model: nn.Module, inputs: Tensor, number: int) -> Tensor:
    """With the masks of a set, applied as the formula has it."""
    masks = numbered_masks(model.regularizer, 0, number, len(inputs), model.widths)  # pyright: ignore
    h = inputs
    for block, mask in zip(model.blocks(), masks, strict=True):  # pyright: ignore
        h = block.linear(h).relu() * mask / (1 - model.regularizer.p)  # pyright: ignore
    return model.output_scale * model.output(h)[:, 0]  # pyright: ignore


def resultant(gradients: Sequence[np.ndarray]) -> float:
    units = [each / np.linalg.norm(each) for each in gradients if np.linalg.norm(each) > 0]
    return float(np.linalg.norm(sum(units)) / len(units)) if len(units) > 1 else np.nan


def check(
    found: Influence, gradient: Gradient, *, rows: int = B, count: int = K, at: int = AT, tolerance: float = 1e-10
) -> None:
    """All of it against gradients from scratch, of which no minibatch's is zero."""
    every = [gradient(k, range(B if k != at else rows)) for k in range(count)]
    own, others = every[at], [each for k, each in enumerate(every) if k != at]
    assert all(np.linalg.norm(each) > 1e-6 for each in every)
    before = resultant(every)
    assert found.resultant == pytest.approx(before, abs=tolerance)
    assert found.length == pytest.approx(np.linalg.norm(own), rel=tolerance)
    for row in range(rows):
        left = gradient(at, [other for other in range(rows) if other != row])
        assert found.resultant_change_B[row] == pytest.approx(resultant([*others, left]) - before, abs=tolerance)
        assert found.length_change_B[row] == pytest.approx(
            np.linalg.norm(left) / np.linalg.norm(own) - 1, abs=tolerance
        )
        across = left - own * (left @ own) / (own @ own)
        turn = np.degrees(np.arctan2(np.linalg.norm(across), left @ own / np.linalg.norm(own)))
        if len(own) == 2:
            turn = np.degrees(np.arctan2(own[0] * left[1] - own[1] * left[0], own @ left))
        assert found.turn_B[row] == pytest.approx(turn, abs=60 * tolerance + 1e-7 * (np.linalg.norm(across) < 1e-9))


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_in_eval_mode_it_is_that_of_the_rows_that_are_left(regularizer: str, part: str | tuple[str, str]):
    case = case_of(regularizer)
    found = network_influence(network_of(case.model, dtype=torch.float64), minibatches_of(case), AT, part)
    check(found, by_backpropagation(case, part))
    assert not found.is_recomputed


@pytest.mark.parametrize("masks", ["fresh", "frozen", "averaged"])
@pytest.mark.parametrize("part", [PAIR, "model", "hidden.1"], ids=str)
def test_masks_stay_with_the_rows_that_are_left(masks: str, part: str | tuple[str, str]):
    case = case_of("dropout")
    random = {"mode": "train", "masks": masks, "num_masks": 3}
    found = network_influence(network_of(case.model, dtype=torch.float64), minibatches_of(case), AT, part, **random)  # pyright: ignore
    check(found, by_backpropagation(case, part, **random))


@pytest.mark.parametrize(
    "part", [("hidden.1.norm.bias[0]", "hidden.1.norm.weight[0]"), "model", "hidden.1", "output"], ids=str
)
def test_batch_statistics_are_those_of_the_rows_that_are_left(part: str | tuple[str, str]):
    case = case_of("batchnorm")
    network = network_of(case.model, dtype=torch.float64)
    found = network_influence(network, minibatches_of(case), AT, part, mode="train")
    check(
        found, by_backpropagation(case, part, mode="train"), tolerance=1e-9
    )  # zeros up to round-off are exactly 0 here
    assert found.is_recomputed
    assert found.opposing is None


def test_many_rows_pass_in_groups(monkeypatch: pytest.MonkeyPatch):
    case = case_of("none")
    network = network_of(case.model, dtype=torch.float64)
    monkeypatch.setattr(of_network, "ROWS_AT_ONCE", 13)
    check(network_influence(network, minibatches_of(case), AT, "model"), by_backpropagation(case, "model"))


def test_under_batch_statistics_other_minibatches_pass_in_groups_too(monkeypatch: pytest.MonkeyPatch):
    case, passed = case_of("batchnorm"), []

    def counted(network: Network, inputs: Tensor, *rest: Any, **settings: Any) -> Backward:
        passed.append(tuple(inputs.shape[:2]))
        return backward(network, inputs, *rest, **settings)

    monkeypatch.setattr(of_network, "ROWS_AT_ONCE", 13)
    monkeypatch.setattr(of_network, "backward", counted)
    found = network_influence(
        network_of(case.model, dtype=torch.float64), minibatches_of(case), AT, "model", mode="train"
    )
    check(found, by_backpropagation(case, "model", mode="train"), tolerance=1e-9)
    assert passed == [(2, B), (2, B), (1, B), (B, B - 1)]


def test_inner_products_under_sets_of_masks_are_formed_a_few_rows_at_a_time():
    """600 rows under 4 sets: 5.8 million products in a layer."""
    generator = torch.Generator().manual_seed(2)
    g, h = (torch.randn((600, 4, size), generator=generator, dtype=torch.float64) for size in (2, 3))
    rows = RowFactors(((g, h),), ())
    with _Largest() as largest:
        found_RR = rows.products(rows)
    each_RP = torch.einsum("rsn,rsm->rnm", g, h).flatten(1)
    torch.testing.assert_close(found_RR, each_RP @ each_RP.T, rtol=1e-12, atol=1e-11)
    assert len(found_RR) ** 2 < largest.numbers <= ENTRIES_AT_ONCE


class _Largest(TorchDispatchMode):
    """Notes how many numbers the largest tensor has that is formed."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor):
            self.numbers = max(self.numbers, made.numel())
        return made


@pytest.mark.parametrize("at", [0, 1])
def test_too_many_rows_under_too_many_sets_of_masks_are_told(at: int):
    """Whichever of the minibatches is the large one."""
    case = random_case("dropout", num_rows=129 + 3)
    rows = list(zip(case.inputs.split([129, 3]), case.targets.split([129, 3]), strict=True))
    with pytest.raises(CannotTell, match=r"129 rows under 64 sets are more than 8,192 .* at most 63 sets"):
        network_influence(network_of(case.model), rows, at, "model", mode="train", masks="averaged", num_masks=64)


def test_a_minibatch_of_chosen_rows_may_have_another_size():
    case = case_of("none")
    rows = minibatches_of(case)
    rows[AT] = (rows[AT][0][:4], rows[AT][1][:4])
    found = network_influence(network_of(case.model, dtype=torch.float64), rows, AT, "hidden.1")
    check(found, by_backpropagation(case, "hidden.1"), rows=4)


def test_the_resultant_length_is_that_of_the_agreement():
    case = case_of("none")
    inputs, targets = (torch.stack(each) for each in zip(*minibatches_of(case), strict=True))
    network = network_of(case.model)
    wanted = minibatch_agreement(
        network, inputs, targets, generator=np.random.default_rng(0), parts=["model"], pairs=[PAIR]
    )
    for part, name in [("model", "model"), (PAIR, " & ".join(PAIR))]:
        found = network_influence(network, minibatches_of(case), AT, part)
        agreed = wanted.parts[name].resultant
        assert agreed is not None
        assert found.resultant == pytest.approx(agreed.value, abs=1e-5)


def test_shares_sum_to_one_and_opposing_pairs_are_the_most_negative_products():
    case = case_of("none")
    found = network_influence(network_of(case.model, dtype=torch.float64), minibatches_of(case), AT, "model")
    gradient = by_backpropagation(case, "model")
    rows_BP = np.stack([gradient(AT, [row]) for row in range(B)])
    own = rows_BP.mean(0)
    assert found.shares_B is not None
    np.testing.assert_allclose(found.shares_B, rows_BP @ own / (B * own @ own), atol=1e-12)
    assert found.shares_B.sum() == pytest.approx(1, abs=1e-12)
    products = {(a, b): rows_BP[a] @ rows_BP[b] for a in range(B) for b in range(a + 1, B)}
    wanted = sorted((value, pair) for pair, value in products.items() if value < 0)
    assert found.opposing is not None
    assert len(wanted) > 2
    assert [(each.first, each.second) for each in found.opposing] == [pair for _, pair in wanted]
    for each, (value, (a, b)) in zip(found.opposing, wanted, strict=True):
        assert each.product == pytest.approx(value, rel=1e-10)
        assert each.cosine == pytest.approx(value / np.linalg.norm(rows_BP[a]) / np.linalg.norm(rows_BP[b]), rel=1e-10)


def test_only_so_many_pairs_are_told():
    rows = np.random.default_rng(0).standard_normal((30, 4))
    found = opposing_pairs(rows @ rows.T, 7)
    assert len(found) == 7
    assert [each.product for each in found] == sorted(each.product for each in found)


def test_a_gradient_that_cancels_has_no_direction_until_a_row_is_left_out():
    """Signs of residuals: four +1 and four −1, beside minibatches of +1 and −1."""
    rows_B1 = np.array([1.0, 1, 1, 1, -1, -1, -1, -1])[:, None]
    found = influence_of_rows(rows_B1 @ rows_B1.T, rows_B1[:, 0] * 2, 4.0, 4)  # T = 2 of four others
    assert (found.length, found.num_minibatches, found.shares_B) == (0, 4, None)
    assert found.resultant == pytest.approx(0.5)  # of the others alone
    assert np.isnan(found.turn_B).all()
    # without a +1 row −1/7 is left, and the other way round
    np.testing.assert_allclose(found.resultant_change_B, np.array([1] * 4 + [3] * 4) / 5 - 0.5, atol=1e-12)


def test_one_row_that_makes_all_of_the_gradient_leaves_nothing():
    rows = np.zeros((4, 3))
    rows[1] = (1, 2, 2)
    unit = np.array([1.0, 0, 0])
    found = influence_of_rows(rows @ rows.T, rows @ unit, 1.0, 1)
    assert found.length_change_B[1] == -1
    assert np.isnan(found.turn_B[1])
    assert np.isnan(found.resultant_change_B[1])  # only one other has a direction
    np.testing.assert_allclose(found.length_change_B[[0, 2, 3]], 4 / 3 - 1)
    np.testing.assert_allclose(found.turn_B[[0, 2, 3]], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "mode", "words"),
    [
        (1, "eval", "one row"),
        (1, "train", "no statistics"),
        (65, "train", "at most 64, got 65"),
        (2, "train", "1 row has no statistics"),
    ],
)
def test_what_cannot_be_left_out_is_told(rows: int, mode: Mode, words: str):
    case = random_case("batchnorm", num_rows=2 * rows)
    network = network_of(case.model)
    with pytest.raises(UserError, match=words):
        network_influence(
            network, list(zip(case.inputs.split(rows), case.targets.split(rows), strict=True)), 0, "model", mode=mode
        )  # pyright: ignore


# ---- any network ----------------------------------------------------------------------------------------------


def squares(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0])[:, 0] - batch[1]) ** 2


def made(*, norm: bool = False) -> nn.Sequential:
    generator = torch.Generator().manual_seed(3)
    layers = [nn.Linear(3, 4), *([nn.BatchNorm1d(4)] if norm else []), nn.Tanh(), nn.Linear(4, 1)]
    model = nn.Sequential(*layers)
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    return model


def problems_of(model: nn.Module, loss: Callable, mode: str = "eval") -> list[Problem]:
    generator = torch.Generator().manual_seed(0)
    return [
        Problem(model, loss, (torch.randn((B, 3), generator=generator), torch.randn(B, generator=generator)), mode=mode)  # pyright: ignore
        for _ in range(K)
    ]


def of_problems(
    problems: Sequence[Problem], names: Sequence[str], columns: Sequence[int] | slice = slice(None)
) -> Gradient:
    def gradient(k: int, rows: Sequence[int]) -> np.ndarray:
        model = copy.deepcopy(problems[k].model).double().train(problems[k].mode == "train")
        batch = tuple(part[list(rows)].double() for part in problems[k].batch)
        return gradient_of(model, problems[k].loss(model, batch).mean(), names)[columns].numpy()

    return gradient


@pytest.mark.parametrize("part", ["model", "0", ("0.weight[1,2]", "2.bias[0]"), ("0.bias[1]", "0.bias[3]")], ids=str)
def test_of_any_network_it_is_that_of_the_rows_that_are_left(part: str | tuple[str, str]):
    names = {"model": ["0.weight", "0.bias", "2.weight", "2.bias"], "0": ["0.weight", "0.bias"]}
    columns = {
        ("0.weight[1,2]", "2.bias[0]"): (["0.weight", "2.bias"], [5, 12]),
        ("0.bias[1]", "0.bias[3]"): (["0.bias"], [1, 3]),
    }
    tensors, places = (names[part], slice(None)) if isinstance(part, str) else columns[part]
    problems = problems_of(made(), squares)
    found = problem_influence(problems, AT, part)
    check(found, of_problems(problems, tensors, places), tolerance=1e-9)
    assert not found.is_recomputed


@pytest.mark.parametrize("part", ["model", ("1.bias[1]", "3.weight[0,3]")], ids=str)
def test_of_any_network_with_batch_statistics_it_is_recomputed(part: str | tuple[str, str]):
    tensors, places = (["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"], slice(None))
    if not isinstance(part, str):
        tensors, places = ["1.bias", "3.weight"], [1, 7]
    problems = problems_of(made(norm=True), squares, "train")
    found = problem_influence(problems, AT, part)
    assert found.is_recomputed
    check(found, of_problems(problems, tensors, places), tolerance=1e-8)  # where zero is round-off, it is exactly 0


def test_bias_before_batch_statistics_has_no_influence():
    """Its gradient is zero up to round-off, at all minibatches and without any row."""
    found = problem_influence(problems_of(made(norm=True), squares, "train"), AT, ("0.bias[0]", "0.bias[1]"))
    assert (found.length, found.resultant, found.num_minibatches) == (0, None, 0)
    assert np.isnan(found.resultant_change_B).all()


def test_a_model_that_cannot_be_run_row_by_row_is_not_said_to_couple_rows():
    """`vmap` does not run what depends on a number."""

    class Deciding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = made()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x) if x.abs().sum().item() > 0 else 2 * self.net(x)

    generator, model = torch.Generator().manual_seed(0), Deciding()
    batches = [
        (torch.randn((rows, 3), generator=generator), torch.randn(rows, generator=generator)) for rows in (B, 65)
    ]
    problems = [Problem(model, squares, batch) for batch in batches]
    assert problem_influence(problems, 0, "model").is_recomputed
    with pytest.raises(CannotTell, match=r"have no gradients of their own here.*at most 64 rows, got 65") as told:
        problem_influence(problems, 1, "model")
    assert "depend" not in str(told.value)


def test_masks_of_a_network_whose_rows_are_coupled_are_told():
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 1))
    with pytest.raises(UserError, match="masks belong to places"):
        problem_influence(problems_of(model, squares, "train"), AT, "model", draws_masks=True)
