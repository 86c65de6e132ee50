"""What a study may be, and what its own code may answer."""

import math
import random
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gradviz
from gradviz import L1, CrossEntropy, Fact, Study
from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.users_code import UsersError, same_randomness


def squares(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    inputs, targets = batch
    return (model(inputs).squeeze(-1) - targets).square()


class Counting(nn.Module):
    """Dropout, batch statistics, and a buffer that counts calls in any mode."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Dropout(0.5), nn.Linear(width, 1))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return self.layers(inputs)


BATCH = (torch.arange(12.0).reshape(4, 3), torch.tensor([0.0, 1.0, 2.0, 3.0]))


def study(**changes: Any) -> Study:
    return Study(**{"name": "squares", "model": Counting, "loss": squares} | changes)


def global_state() -> tuple[object, ...]:
    return torch.get_rng_state().sum().item(), str(np.random.get_state()), random.getstate()


def test_the_names_for_users_are_attributes_of_gradviz():
    for name in gradviz.__all__:
        assert getattr(gradviz, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        gradviz.nothing  # noqa: B018


def test_a_study_is_a_value_that_knows_its_file():
    one = study()
    assert one == study()
    assert one.file == Path(__file__)
    with pytest.raises(FrozenInstanceError):
        one.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "two words"}, "`name` .* 'two words'"),
        ({"name": ""}, "`name`"),
        ({"name": 3}, "`name`"),
        ({"model": Counting()}, r"model=lambda: Counting\(\.\.\.\)"),
        ({"model": "resnet"}, "`model` .* must be a function"),
        ({"loss": None}, "`loss` .* must be a function"),
        ({"describe": "rows"}, "`describe`"),
        ({"facts": [1]}, "`facts`"),
        ({"minibatches": iter([BATCH])}, "islice"),
        ({"minibatches": "fifty"}, "`minibatches`"),
    ],
)
def test_what_is_no_study_is_refused_with_the_remedy(changes: dict[str, Any], told: str):
    with pytest.raises(UserError, match=told):
        study(**changes)


def test_a_model_is_made_with_the_arguments_of_a_run_and_leaves_the_random_state():
    before = global_state()
    assert asking.made_model(study(), {"width": 7}).layers[0].out_features == 7  # pyright: ignore
    assert global_state() == before


@pytest.mark.parametrize(
    ("model", "arguments", "told"),
    [
        (lambda: 3, {}, "must return an nn.Module, got int"),
        (lambda: nn.LazyLinear(1), {}, "no weight yet, because it is lazy"),
        (Counting, {"depth": 3}, "unexpected keyword argument 'depth'"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(model: Any, arguments: dict[str, Any], told: str):
    with pytest.raises(UserError, match=told):
        asking.made_model(study(model=model), arguments)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda model, batch: 1.0, "got float"),
        (lambda model, batch: model(batch[0]), r"of shape \(4, 1\)"),
        (lambda model, batch: torch.zeros(3), r"losses of the 4 rows.* \(3,\)"),
        (lambda model, batch: torch.zeros(4, dtype=torch.int64), "int64"),
    ],
)
def test_a_loss_is_one_number_for_each_row_or_their_mean(loss: Any, told: str):
    with pytest.raises(UserError, match=told):
        asking.losses(study(loss=loss), Counting(), BATCH)
    assert asking.losses(study(), Counting(), BATCH).shape == (4,)
    mean = study(loss=lambda model, batch: squares(model, batch).mean())
    assert asking.losses(mean, Counting(), BATCH).shape == ()


def test_an_error_in_a_loss_is_told_by_the_users_own_line():
    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch[1]), batch[0])  # the wrong way round

    with pytest.raises(UsersError) as caught:
        asking.losses(study(loss=loss), Counting(), BATCH)
    # The forward pass fails inside torch: the innermost line of the user's own is the model's.
    assert "The loss of the study squares fails in test_study.py, line " in str(caught.value)
    assert "`return self.layers(inputs)`): RuntimeError" in str(caught.value)


def test_an_error_in_the_loss_itself_is_told_by_its_line():
    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return squares(model, {"inputs": batch}["labels"])

    line = loss.__code__.co_firstlineno + 1
    with pytest.raises(UsersError, match=f"test_study.py, line {line} .*KeyError: 'labels'"):
        asking.losses(study(loss=loss), Counting(), BATCH)


def test_asking_changes_neither_mode_nor_buffers_nor_random_state():
    def facts(model: nn.Module, batch: Any) -> list[Fact]:
        assert not any(part.training for part in model.modules())
        return [Fact("loss", squares(model, batch).mean().item() + 0 * torch.rand(()).item())]

    model = Counting()
    model.layers[1].eval()
    modes, state, before = [part.training for part in model.modules()], model.state_dict(), global_state()
    state = {name: tensor.clone() for name, tensor in state.items()}
    [fact] = asking.facts(study(facts=facts), model, BATCH)
    assert math.isfinite(fact.value)
    assert [part.training for part in model.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert global_state() == before


def test_the_random_states_return_after_an_error_too():
    before = global_state()

    def draw_and_fail() -> None:
        with same_randomness():
            _ = torch.rand(3), np.random.rand(3), random.random()
            raise KeyError

    with pytest.raises(KeyError):
        draw_and_fail()
    assert global_state() == before


def test_l1_tells_the_share_predicted_below_the_target():
    model = nn.Linear(3, 1)
    nn.init.zeros_(model.weight)
    nn.init.constant_(model.bias, 1.5)
    told = study(loss=L1())
    assert asking.losses(told, model, BATCH).tolist() == [1.5, 0.5, 0.5, 1.5]
    assert asking.facts(told, model, BATCH) == (
        Fact("share_below_target", 0.5, "", "50 % of the rows are predicted below their target"),
    )
    with pytest.raises(UserError, match=r"outputs \(4, 2\) and targets \(4,\)"):
        asking.losses(told, nn.Linear(3, 2), BATCH)


def test_cross_entropy_tells_the_accuracy_and_the_number_of_correct_rows():
    model, targets = nn.Linear(3, 3, bias=False), torch.tensor([0, 0, 1, 2])
    nn.init.eye_(model.weight)
    batch = torch.eye(4, 3), targets
    told = study(loss=CrossEntropy())
    expected = [-math.log(math.exp(right) / (math.e + 2)) for right in (1, 0, 0)] + [math.log(3)]
    # float32 logarithms of numbers near 1
    assert asking.losses(told, model, batch).tolist() == pytest.approx(expected, rel=1e-6)
    accuracy, number = asking.facts(told, model, batch)
    assert (accuracy.name, accuracy.value, number.value, number.unit) == ("accuracy", 0.25, 1, "rows")
    assert number.sentence == "1 of 4 rows are classified correctly"
    with pytest.raises(UserError, match=r"logits \(B, classes\)"):
        asking.losses(told, model, (torch.eye(4, 3), targets[:3].repeat(2)[:4].reshape(4, 1)))


def test_facts_of_its_own_replace_those_of_the_loss():
    own = study(loss=L1(), facts=lambda model, batch: [Fact("rows", len(batch[0]), "rows", "four rows")])
    assert [fact.name for fact in asking.facts(own, nn.Linear(3, 1), BATCH)] == ["rows"]
    assert asking.facts(study(), Counting(), BATCH) == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, "3", torch.tensor(1.0), True])
def test_a_fact_is_a_finite_number(value: Any):
    with pytest.raises(UserError, match="`value` of the fact loss"):
        Fact("loss", value)


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "a\nb"}, {"unit": "u" * 17}, {"sentence": "s" * 301}])
def test_a_fact_says_what_it_is_in_one_line(changes: dict[str, Any]):
    with pytest.raises(UserError, match=f"`{next(iter(changes))}` of a fact"):
        Fact(**{"name": "loss", "value": 1.0} | changes)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (lambda model, batch: [3], "got int"),
        (lambda model, batch: [Fact("a", 1), Fact("a", 2)], "different names"),
        (lambda model, batch: None, "TypeError"),
    ],
)
def test_facts_are_checked(told: Any, message: str):
    with pytest.raises(UserError, match=message):
        asking.facts(study(facts=told), Counting(), BATCH)


def test_minibatches_are_a_list_or_made_when_they_are_asked_for():
    assert asking.minibatches(study(minibatches=[BATCH])) == [BATCH]
    before = global_state()
    made = study(minibatches=lambda: [(torch.rand(2, 3), torch.rand(2))])
    assert len(asking.minibatches(made)) == 1
    assert global_state() == before
    with pytest.raises(UserError, match="has no minibatches"):
        asking.minibatches(study())
    with pytest.raises(UserError, match=r"Minibatch 1: .*0 has 4, 1 has 3"):
        asking.minibatches(study(minibatches=[BATCH, (BATCH[0], BATCH[1][:3])]))
    for wrong in ([], [BATCH] * 51, lambda: iter([BATCH])):
        with pytest.raises(UserError, match="1 to 50 batches"):
            asking.minibatches(study(minibatches=wrong))


def test_rows_are_described_one_by_one():
    described = study(describe=lambda batch: [f"target {target:g}" for target in batch[1]])
    assert asking.descriptions(described, BATCH)[2] == "target 2"
    assert asking.descriptions(study(), BATCH) == []
    with pytest.raises(UserError, match="text for each of the 4 rows"):
        asking.descriptions(study(describe=lambda batch: ["one"]), BATCH)


class Answering:
    """Squares, and a method that tells anything."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def __call__(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        return squares(model, batch)

    def answers(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Any:
        return self.told


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ((torch.ones(4, 1), BATCH[1]), r"\(4, 1\), \(4,\)"),
        ((torch.ones(3), BATCH[1]), r"\(3,\), \(4,\)"),
        ((torch.ones(4) * math.nan, BATCH[1]), r"finite real numbers"),
        ((torch.ones(4, dtype=torch.complex64), BATCH[1]), "finite real numbers"),
        ((torch.ones(4), None), r"\(4,\), NoneType"),
        ((torch.ones(4), [1.0] * 4), r"\(4,\), list"),
        ((torch.ones(4),), r"got \(4,\)\."),
        (None, "got NoneType"),
        (BATCH[1], r"got \(4,\)"),
    ],
)
def test_answers_that_are_not_two_of_each_row_are_refused(told: Any, form: str):
    own = study(loss=Answering(told))
    with pytest.raises(UserError, match=rf"`answers` of the loss of the study squares .* 4 rows.*{form}"):
        asking.answers(own, Counting(), BATCH, training=False)


def test_answers_are_two_tensors_of_rows():
    found = asking.answers(study(loss=Answering([BATCH[1], BATCH[1] > 1])), Counting(), BATCH, training=False)
    assert found is not None
    assert [each.tolist() for each in found] == [[0, 1, 2, 3], [False, False, True, True]]
    assert asking.answers(study(), Counting(), BATCH, training=False) is None
