"""Training of any study as a generator of epochs; epoch 0 is the initialisation.

Every random choice of an epoch is drawn from the run's seed and the epoch's number: its order, and what the model
draws, such as masks. So a training goes on bit for bit after any epoch, with the state of the optimizer alone, and
nothing changes the global random state.
"""

# Shape suffixes: R = training rows.

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, mapped, num_rows, num_steps, selected
from gradviz.experiment.model_state import copied_state, load_state
from gradviz.experiment.optimizer_state import made_optimizer, restore, state_by_name
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.randomness import Purpose, derived_seed
from gradviz.experiment.study import Study
from gradviz.experiment.users_code import same_randomness

_EVALUATED_ROWS = 2048  # of one forward pass
_ROWS_OF_FACTS = 10_000

OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True)
class StudyPlan:
    """Everything that determines the numbers of a run of a study."""

    study: Study
    arguments: Mapping[str, Any]
    optimizer: Optimizer
    batch_size: int
    epochs: int
    seed: int


@dataclass(frozen=True)
class StudyEpoch:
    """An epoch: its metrics, the model's state and the optimizer's, copies on the CPU."""

    epoch: int
    metrics: dict[str, float]
    state: dict[str, Tensor]
    optimizer: dict[str, Tensor]


def train_study(
    plan: StudyPlan,
    rows: tuple[Batch, Batch],
    *,
    device: torch.device,
    after: StudyEpoch | None = None,
    on_step: OnStep = lambda step, steps, loss: None,
) -> Iterator[StudyEpoch]:
    """Yields the epochs from 0, or from the one after `after`, to the last.

    `rows`: all training and all test rows. An exception from `on_step` ends the training. UserError if the loss is not
    finite, or the study's code fails.
    """
    train_rows, test_rows = (mapped(batch, lambda tensor: tensor.to(device)) for batch in rows)
    with same_randomness():
        torch.manual_seed(derived_seed(plan.seed, "initialisation"))
        model = asking.made_model(plan.study, plan.arguments).to(device)
    optimizer = made_optimizer(plan.optimizer, list(model.parameters()))

    def result(epoch: int) -> StudyEpoch:
        metrics = _metrics(plan.study, model, train_rows, test_rows)
        if not math.isfinite(metrics["train_loss"] + metrics["test_loss"]):
            raise UserError(_not_finite(plan, f"losses are {metrics['train_loss']} and {metrics['test_loss']}", epoch))
        return StudyEpoch(epoch, metrics, copied_state(model), state_by_name(model, optimizer))

    if after is None:
        yield result(0)
    else:
        load_state(model, after.state)
        restore(model, optimizer, after.optimizer)
    for epoch in range(1 if after is None else after.epoch + 1, plan.epochs + 1):
        with same_randomness():
            torch.manual_seed(epoch_seed(plan.seed, "masks", epoch))
            _train_one_epoch(plan, model, optimizer, train_rows, epoch, on_step)
        yield result(epoch)


def looked_at(study: Study, train_rows: Batch, seed: int) -> list[Batch]:
    """The minibatches that a run keeps to look at: the study's own, or up to fifty of 64 training rows by the seed."""
    if study.minibatches is not None:
        return asking.minibatches(study)
    generator = torch.Generator().manual_seed(derived_seed(seed, "minibatches"))
    order_R = torch.randperm(num_rows(train_rows), generator=generator)
    whole = [part for part in order_R.split(64) if len(part) == min(64, len(order_R))]
    return [selected(train_rows, part) for part in whole[: asking.MAX_MINIBATCHES]]


def minibatch_rows(num_train: int, batch_size: int, seed: int, epoch: int) -> Tensor:
    """An epoch's minibatches (steps, rows of each): numbers of training rows."""
    generator = torch.Generator().manual_seed(epoch_seed(seed, "order", epoch))
    steps, order_R = num_steps(batch_size, num_train), torch.randperm(num_train, generator=generator)
    return order_R[: steps * batch_size].view(steps, -1)


def train_step(
    study: Study, model: nn.Module, optimizer: torch.optim.Optimizer, rows: Batch, chosen_B: Tensor
) -> float:
    """One step with these of the training rows. The model draws from torch's own random state.

    Returns the minibatch's mean loss before the step; takes no step if it is not finite.
    """
    optimizer.zero_grad()
    batch = mapped(rows, lambda tensor: tensor[chosen_B.to(tensor.device)] if tensor.ndim else tensor)
    loss = asking.losses(study, model, batch).mean()
    value = loss.item()
    if math.isfinite(value):
        loss.backward()
        optimizer.step()
    return value


def mean_loss(study: Study, model: nn.Module, rows: Batch) -> float:
    """The mean over all rows in eval mode, in which the model stays."""
    model.eval()
    total, number = 0.0, num_rows(rows)
    with torch.no_grad(), same_randomness():
        for begin in range(0, number, _EVALUATED_ROWS):
            part = selected(rows, slice(begin, begin + _EVALUATED_ROWS))
            total += asking.losses(study, model, part).double().mean().item() * num_rows(part)
    return total / number


def epoch_seed(seed: int, purpose: Purpose, epoch: int) -> int:
    """The seed of one random choice of an epoch."""
    return derived_seed(derived_seed(seed, purpose) + epoch, purpose)


def _train_one_epoch(
    plan: StudyPlan, model: nn.Module, optimizer: torch.optim.Optimizer, rows: Batch, epoch: int, on_step: OnStep
) -> None:
    model.train()
    chosen_SB = minibatch_rows(num_rows(rows), plan.batch_size, plan.seed, epoch)
    for step, chosen_B in enumerate(chosen_SB, start=1):
        value = train_step(plan.study, model, optimizer, rows, chosen_B)
        if not math.isfinite(value):
            raise UserError(_not_finite(plan, f"loss is {value} in step {step}", epoch))
        on_step(step, len(chosen_SB), value)


def _metrics(study: Study, model: nn.Module, train_rows: Batch, test_rows: Batch) -> dict[str, float]:
    """The mean losses and the study's facts of the training and the test rows, in eval mode."""
    metrics = {"train_loss": mean_loss(study, model, train_rows), "test_loss": mean_loss(study, model, test_rows)}
    for part, rows in (("train", train_rows), ("test", test_rows)):
        told = asking.facts(study, model, selected(rows, slice(_ROWS_OF_FACTS)))
        metrics |= {f"{part}_{fact.name}": float(fact.value) for fact in told}
    return metrics


def _not_finite(plan: StudyPlan, what: str, epoch: int) -> str:
    return (
        f"The training of {plan.study.name} broke down in epoch {epoch}: its {what}. Earlier epochs are kept; start "
        f"again with `--fresh` and a smaller learning rate (it was {plan.optimizer.learning_rate:g})."
    )
