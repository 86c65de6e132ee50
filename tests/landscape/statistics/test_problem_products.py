"""Agreement for any network: inner products are those of plain float64 autograd, and what is zero has no direction."""

import copy
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.study import loss as l1
from gradviz.landscape import models
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.statistics import inner_products_of, minibatch_agreement, problem_gradients
from gradviz.landscape.statistics.problem_gradients import gradient_blocks, parameters_of, whole
from gradviz.landscape.statistics.problem_products import (
    parts_of_model,
    problem_agreement,
    problem_cosines,
    problem_products,
)
from tests.landscape.cases import KINDS, modes_of, random_case
from tests.landscape.replay.difficulties import DIFFICULTIES, Difficulty
from tests.landscape.replay.independent import FLOAT64, masks_by_hand
from tests.landscape.replay.test_networks import MAKERS, PAIRS, made
from tests.landscape.replay.test_zero import TAKEN_OUT

NUM_MINIBATCHES = 3


def problems_of(name: str, mode: Mode, masks: Masks, dtype: torch.dtype = torch.float64) -> list[Problem]:
    """One network at several minibatches: its own, with the rows' inputs exchanged and the last one's targets moved."""
    own = made(name)
    x, y = own.batch["x"], own.batch["y"]
    batches = [{"x": x.roll(k, 0), "y": (y + (k > 1)) % 9} for k in range(NUM_MINIBATCHES)]
    return [Problem(own.model, own.loss, each, mode, masks, num_masks=2, seed=3, dtype=dtype) for each in batches]


def by_plain_autograd(problems: list[Problem]) -> list[dict[str, Tensor]]:
    """The gradients of each minibatch, with masks by hand: nothing of replay."""
    found = []
    for k, problem in enumerate(problems):
        sums: dict[str, Tensor] = {}
        for number in problem.sets(k):
            model = copy.deepcopy(problem.model).double().train(problem.mode == "train")
            batch = {
                key: value.double() if value.is_floating_point() else value for key, value in problem.batch.items()
            }
            with masks_by_hand(problem.seed, number) if problem.mode == "train" else nullcontext():
                problem.loss(model, batch).mean().backward()
            for name, parameter in model.named_parameters():
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                sums[name] = sums.get(name, 0) + gradient / len(problem.sets(k))
        found.append(sums)
    return found


BY_HAND = [name for name in MAKERS if name not in ("gru", "lstm")]
"""Without those whose dropout between layers no hand reaches."""


@pytest.mark.parametrize(("mode", "masks"), [("eval", "fresh"), ("train", "fresh"), ("train", "averaged")])
@pytest.mark.parametrize("name", BY_HAND)
def test_inner_products_are_those_of_plain_autograd(name, mode, masks):
    problems = problems_of(name, mode, masks)
    gradients = by_plain_autograd(problems)
    x, y = (Scalar.parse(text) for text in PAIRS[name][0])
    found = problem_products(problems, pairs=[(x, y)])
    parts = parts_of_model(problems[0].model)
    # what is 0 here is float64's rounding error there: some 1e-15 of the largest
    rounding = sum(float(tensor.square().sum()) for tensor in gradients[0].values()) * 1e-28
    for part, tensors in parts.items():
        wanted_KP = torch.stack([torch.cat([each[tensor].flatten() for tensor in tensors]) for each in gradients])
        size = FLOAT64 * float(wanted_KP.square().sum()) + rounding
        np.testing.assert_allclose(found[part].dot_KK, wanted_KP @ wanted_KP.T, rtol=FLOAT64, atol=size)
        assert found[part].num_parameters == wanted_KP.shape[1]
        if mode == "eval" and name != "transformer":  # whose key biases are round-off here
            np.testing.assert_array_equal(found[part].signs_KK, inner_products_of(wanted_KP).signs_KK)
    columns = torch.stack([torch.stack([each[s.name][s.index] for s in (x, y)]) for each in gradients])
    wanted, size = columns @ columns.T, FLOAT64 * float(columns.square().sum())
    np.testing.assert_allclose(found[f"{x} & {y}"].dot_KK, wanted, rtol=FLOAT64, atol=size)


def test_parts_are_the_model_its_modules_and_tensors_and_a_tied_one_counts_once():
    model = made("transformer").model
    parts = parts_of_model(model)
    assert parts["head.weight"] == parts["embedding"] == ["embedding.weight"]
    assert parts["blocks.1.norm2"] == ["blocks.1.norm2.weight", "blocks.1.norm2.bias"]
    assert len(parts["blocks"]) == 2 * len(parts["blocks.0"])
    assert parts["."] == ["position"]
    assert parts["model"] == [name for name, _ in model.named_parameters()]


@pytest.mark.parametrize("masks", ["frozen"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_pair_is_the_centre_arrow_of_its_landscapes(name, masks):
    problems = problems_of(name, "train", masks, torch.float32)
    x, y = (Scalar.parse(text) for text in PAIRS[name][-1])
    wanted = [(each, whole(each, parameters_of(problems[0].model)[each])) for each in dict.fromkeys((x.name, y.name))]
    blocks = dict(zip((n for n, _ in wanted), gradient_blocks(problems, [p for _, p in wanted]), strict=True))
    for k, problem in enumerate(problems):
        field = network_landscape(problem, Plane(x, y, points=3)).field
        for scalar, arrow in zip((x, y), (field.u, field.v), strict=True):
            tensor = parameters_of(problem.model)[scalar.name]
            own = blocks[scalar.name].gradients_KNR[k].view(tensor.shape)[scalar.index].item()
            assert own == pytest.approx(arrow[1, 1], rel=1e-4, abs=1e-6)  # float32, in another order of sums


def test_a_parameter_without_axes_has_a_gradient_too():
    class Scaled(torch.nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 1)
            self.scale = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.scale * super().forward(x).squeeze(1)

    model, x = Scaled().double(), torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    problem = Problem(model, lambda model, x: model(x), x)
    [block] = gradient_blocks([problem], [whole("scale", model.scale)])
    assert block.gradients_KNR.shape == (1, 1, 1)
    assert block.gradients_KNR.item() == pytest.approx((model(x) / 2).mean().item())


@pytest.mark.parametrize("name", MAKERS)
def test_what_round_off_leaves_has_no_direction_and_nothing_else_is_zero(name):
    problems = problems_of(name, "train", "frozen", torch.float32)
    found = problem_agreement(problems, np.random.default_rng(0))
    taken = TAKEN_OUT.get(name, {})
    for tensor, where in taken.items():
        if where == slice(None):
            assert found[tensor].num_zero == NUM_MINIBATCHES
            assert found[tensor].cosine is None
            assert np.isnan(problem_cosines(problems, tensor)).all()
        else:
            size = parameters_of(problems[0].model)[tensor].numel()
            assert found[tensor].zero_share.value == pytest.approx((where.stop - where.start) / size)
    exact = by_plain_autograd(problems_of(name, "eval", "frozen")) if name in BY_HAND else []
    in_eval = problem_agreement(problems_of(name, "eval", "frozen", torch.float32), np.random.default_rng(0))
    for tensor in exact[0] if exact else ():
        if tensor not in taken:
            numbers = torch.stack([each[tensor] for each in exact])
            share = (numbers == 0).double().mean().item()
            assert in_eval[tensor].zero_share.value == pytest.approx(share), tensor


def test_a_small_gradient_is_not_zero_beside_large_ones():
    """What float32 resolves by itself is never zero, however large the same entry is at other minibatches."""
    model = torch.nn.Linear(3, 1)
    x = torch.ones(4, 3)
    problems = [
        Problem(model, lambda model, batch: model(batch[0]).squeeze(1) * batch[1], (x, torch.full((4,), size)))
        for size in (1.0, 1e-14, 1e-20)
    ]
    found = problem_products(problems, parts=["weight"])["weight"]
    np.testing.assert_array_equal(found.both_KK, 3.0)
    np.testing.assert_allclose(np.sqrt(np.diag(found.dot_KK)), np.sqrt(3) * np.array([1, 1e-14, 1e-20]), rtol=1e-6)


@pytest.mark.parametrize("held", [60])
def test_a_model_that_does_not_fit_is_passed_through_several_times(monkeypatch, held):
    problems = problems_of("cnn with dropout", "train", "fresh", torch.float32)
    pair = (Scalar.parse("conv1.weight[1,0,0,2]"), Scalar.parse("fc1.weight[2,7]"))
    at_once = problem_products(problems, pairs=[pair])
    monkeypatch.setattr(problem_gradients, "HELD", held * NUM_MINIBATCHES)
    in_parts = problem_products(problems, parts=list(at_once)[:3], pairs=[pair])
    for part, found in in_parts.items():
        np.testing.assert_allclose(found.dot_KK, at_once[part].dot_KK, rtol=1e-13)
        np.testing.assert_array_equal(found.both_KK, at_once[part].both_KK)


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_the_built_in_network_agrees_with_its_own_engine(regularizer, placement):
    case = random_case(regularizer, placement, seed=5, num_rows=24)
    network = models.network_of(case.model, dtype=torch.float64)
    inputs, targets = case.inputs.view(3, 8, -1), case.targets.view(3, 8)
    x, y = "hidden.1.linear.bias[0]", "hidden.0.linear.weight[2,3]"
    for mode in modes_of(regularizer):
        own = minibatch_agreement(
            network, inputs, targets, generator=np.random.default_rng(0), seed=7, pairs=[(x, y)], **mode
        )
        problems = [
            Problem(case.model, l1, batch, seed=7, dtype=torch.float64, **mode)
            for batch in zip(inputs, targets, strict=True)
        ]
        pair = (Scalar.parse(x), Scalar.parse(y))
        found = problem_agreement(problems, np.random.default_rng(0), parts=list(own.parts)[:-1], pairs=[pair])
        assert list(found) == list(own.parts)
        for name, part in own.parts.items():
            assert found[name].num_zero == part.num_zero, name
            assert found[name].mean_norm == pytest.approx(part.mean_norm, rel=FLOAT64)
            cosine = found[name].cosine
            assert (cosine is None) == (part.cosine is None)
            if cosine is not None and part.cosine is not None:
                assert cosine.value == pytest.approx(part.cosine.value, abs=FLOAT64), name
                assert found[name].sign_agreement == pytest.approx(part.sign_agreement), name


@pytest.mark.parametrize("difficulty", {str(each): each for each in DIFFICULTIES}.values(), ids=str)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch's own old functions
def test_difficult_models_give_the_loop_s_numbers_or_its_refusal(difficulty: Difficulty):
    model, batch = difficulty.made()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    scalars = Scalar.parse(difficulty.x), Scalar.parse(difficulty.y)
    problem = Problem(model, difficulty.loss, batch, "train", "frozen", seed=3, dtype=torch.float64)
    expected = difficulty.train or difficulty.eval
    if " " in expected and not expected.startswith("replay"):
        with pytest.raises(UserError, match=expected):
            problem_products([problem, problem], parts=["model"])
    else:
        found = problem_products([problem, problem], parts=(), pairs=[scalars])
        [wanted] = by_loop(problem, Plane(*scalars, points=3), [4])
        [product] = found.values()
        assert product.dot_KK[0, 1] == pytest.approx(float(wanted[1:].square().sum()), rel=1e-12)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters() if parameter.is_leaf)


@pytest.mark.parametrize(
    ("parts", "pair", "told"),
    [
        (["conv9"], None, r"`conv9` is no part of this model; it has model, conv1, "),
        ([], ("conv1.weight[9,0,0,0]", "conv1.bias[0]"), r"conv1\.weight takes \[0\.\.2,0\.\.0,0\.\.2,0\.\.2\]"),
    ],
)
def test_what_the_model_lacks_is_told(parts, pair, told):
    pairs = [] if pair is None else [(Scalar.parse(pair[0]), Scalar.parse(pair[1]))]
    with pytest.raises(UserError, match=told):
        problem_products(problems_of("cnn", "eval", "fresh"), parts=parts, pairs=pairs)


def test_a_gradient_that_is_not_finite_is_told_with_its_minibatch():
    first, second, _ = problems_of("cnn", "eval", "fresh")
    bad = replace(second, batch={**second.batch, "x": second.batch["x"] * torch.nan})
    with pytest.raises(UserError, match="The loss of minibatch 1, or its gradient, is not finite"):
        problem_products([first, bad])
