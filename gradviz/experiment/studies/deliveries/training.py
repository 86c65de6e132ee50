"""Training as a generator of epochs, and the measurements after each.

Epoch 0 is the initialisation. An epoch is one pass over the training rows in an order drawn from the run's seed. It
leaves out an incomplete last minibatch, so that every step (and every batch statistic) uses the same number of rows;
each epoch draws a new order, and so leaves out other rows. Nothing reads or changes the global random state.
"""

# Shape suffixes: B = examples of a minibatch, R = rows, C = 45 characters, I = inputs.

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.batches import num_steps
from gradviz.experiment.model import MLP, draw_masks
from gradviz.experiment.optimizer_state import made_optimizer, restore, state_by_name
from gradviz.experiment.randomness import generator
from gradviz.experiment.run import model_of
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.encoding import one_hot
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics
from gradviz.experiment.studies.deliveries.rows import Rows

EVALUATION_ROWS = 2048  # rows of one forward pass for measuring: 16 MB of activations in the widest layer

OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True)
class ResumeState:
    """The state that the next epoch needs beside the parameters: of the optimizer, and of the two generators.

    `optimizer` is its `state_dict` by the names of the parameters: of Adam `exp_avg.NAME`, `exp_avg_sq.NAME` and
    `step.NAME` for each parameter NAME. Empty before the first step.
    """

    epoch: int
    optimizer: dict[str, Tensor]
    order_state: Tensor
    masks_state: Tensor


@dataclass(frozen=True)
class EpochResult:
    """One epoch: its metrics, the network's state, and the state to continue from. Tensors are copies on the CPU."""

    metrics: EpochMetrics
    state: dict[str, Tensor]
    resume: ResumeState


def train_epochs(
    config: TrainingConfig,
    rows: Rows,
    *,
    device: torch.device,
    resume: tuple[dict[str, Tensor], ResumeState] | None = None,
    on_step: OnStep | None = None,
) -> Iterator[EpochResult]:
    """Yields one result per epoch: from 0 (the initialisation), or from the one after `resume`, to `config.epochs`.

    `resume` is the `state` and `resume` of an earlier result; the following results are then bit for bit those of an
    uninterrupted training, on the same device with the same number of threads. It calls `on_step(step, steps, loss)`
    after each step; an exception from that ends the training. UserError if the loss is not finite.
    """
    order, masks = generator(config.seed, "order"), generator(config.seed, "masks")
    model = model_of(config, generator(config.seed, "initialisation")).to(device)
    optimizer = made_optimizer(config.optimizer, list(model.parameters()))
    rows = rows.to(device)
    epoch = 0
    if resume is None:
        start = time.perf_counter()
        yield _result(config, model, optimizer, order, masks, rows, 0, start)
    else:
        state, resumed = resume
        model.load_state_dict(state)
        restore(model, optimizer, resumed.optimizer)
        order.set_state(resumed.order_state)
        masks.set_state(resumed.masks_state)
        epoch = resumed.epoch
    while epoch < config.epochs:
        epoch += 1
        start = time.perf_counter()
        _train_one_epoch(config, model, optimizer, order, masks, rows, epoch, on_step)
        yield _result(config, model, optimizer, order, masks, rows, epoch, start)


@torch.no_grad()
def evaluate(model: MLP, rows: Rows) -> tuple[float, float, float, float]:
    """(train_loss, test_loss, test_r2, share_below_target) in eval mode, as `EpochMetrics` defines them."""
    train_residuals, _train_targets = _residuals(model, rows, rows.train_rows)
    test_residuals, test_targets = _residuals(model, rows, rows.test_rows)
    variation = (test_targets - test_targets.mean()).square().sum().item()
    unexplained = test_residuals.square().sum().item()
    return (
        train_residuals.abs().mean().item(),
        test_residuals.abs().mean().item(),
        1.0 - unexplained / variation if variation > 0.0 else math.nan,
        (train_residuals < 0.0).double().mean().item(),
    )


def minibatch_rows(num_train: int, batch_size: int, order: torch.Generator) -> Tensor:
    """The next epoch's minibatches (steps, rows of each): numbers of training rows, in an order drawn from `order`."""
    steps, drawn_R = num_steps(batch_size, num_train), torch.randperm(num_train, generator=order)
    return drawn_R[: steps * batch_size].view(steps, -1)


def train_step(
    config: TrainingConfig,
    model: MLP,
    optimizer: torch.optim.Optimizer,
    masks: torch.Generator,
    rows: Rows,
    rows_B: Tensor,
) -> float:
    """One step with these rows, by their numbers in `rows`, and masks drawn from `masks`.

    Returns the minibatch's loss before the step; takes no step if it is not finite.
    """
    device, masks_BN = rows.targets_R.device, None
    if config.regularizer.draws_masks:
        masks_BN = draw_masks(config.regularizer, config.hidden, rows_B.numel(), masks, device)
    optimizer.zero_grad()
    loss = F.l1_loss(model(one_hot(rows.codes_RC[rows_B]), masks_BN), rows.targets_R[rows_B])
    value = loss.item()
    if math.isfinite(value):
        loss.backward()
        optimizer.step()
    return value


def _train_one_epoch(
    config: TrainingConfig,
    model: MLP,
    optimizer: torch.optim.Optimizer,
    order: torch.Generator,
    masks: torch.Generator,
    rows: Rows,
    epoch: int,
    on_step: OnStep | None,
) -> None:
    model.train()
    chosen_SB = minibatch_rows(rows.num_train, config.batch_size, order).to(rows.train_rows.device)
    for step, rows_B in enumerate(rows.train_rows[chosen_SB], start=1):
        value = train_step(config, model, optimizer, masks, rows, rows_B)
        if not math.isfinite(value):
            raise UserError(_not_finite(config, f"loss is {value} in step {step} of epoch {epoch}"))
        if on_step is not None:
            on_step(step, len(chosen_SB), value)


def _residuals(model: MLP, rows: Rows, selected: Tensor) -> tuple[Tensor, Tensor]:
    """Prediction - target and targets, both (R,) float64, in eval mode."""
    model.eval()
    predictions = [model(one_hot(rows.codes_RC[some])) for some in selected.split(EVALUATION_ROWS)]
    targets = rows.targets_R[selected].double()
    return torch.cat(predictions).double() - targets, targets


def _result(
    config: TrainingConfig,
    model: MLP,
    optimizer: torch.optim.Optimizer,
    order: torch.Generator,
    masks: torch.Generator,
    rows: Rows,
    epoch: int,
    start: float,
) -> EpochResult:
    train_loss, test_loss, test_r2, share = evaluate(model, rows)
    if not math.isfinite(train_loss + test_loss):
        raise UserError(_not_finite(config, f"loss is {train_loss} after epoch {epoch}"))
    metrics = EpochMetrics(epoch, train_loss, test_loss, test_r2, share, round(time.perf_counter() - start, 3))
    state = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
    resume = ResumeState(epoch, state_by_name(model, optimizer), order.get_state(), masks.get_state())
    return EpochResult(metrics, state, resume)


def _not_finite(config: TrainingConfig, what: str) -> str:
    return (
        f"The training of {config.name} broke down: its {what}. Earlier epochs are kept; start again with "
        f"`--fresh` and another preset or seed (the learning rate was {config.optimizer.learning_rate:g})."
    )
