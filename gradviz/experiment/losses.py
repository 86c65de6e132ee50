"""Losses of rows that ship, with the facts that each can tell: a study may also bring any function of its own.

Both take a batch `(inputs, targets)` and call `model(inputs)`.
"""

# Shape suffixes: B = rows of a minibatch, C = classes.

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.batches import Batch
from gradviz.experiment.facts import Fact
from gradviz.numbers import percent

LossFunction = Callable[[nn.Module, Batch], Tensor]
"""`loss(model, batch)`: the loss of each row (B,), or their mean ()."""


@dataclass(frozen=True)
class L1:
    """|prediction - target| for a model with one output: (B,), or (B, 1)."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        predictions_B, targets_B = self.answers(model, batch)
        return (predictions_B - targets_B).abs()

    def facts(self, model: nn.Module, batch: Batch) -> tuple[Fact, ...]:
        """The share of rows predicted below their target, which sets the sign of most gradients."""
        predictions_B, targets_B = self.answers(model, batch)
        share = (predictions_B < targets_B).double().mean().item()
        return (
            Fact("share_below_target", share, "", f"{percent(share)} of the rows are predicted below their target"),
        )

    def answers(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Predictions (B,) and targets (B,)."""
        inputs, targets_B = _pair(batch)
        predictions = model(inputs)
        predictions_B = predictions.squeeze(-1) if predictions.ndim == targets_B.ndim + 1 else predictions
        if predictions_B.shape != targets_B.shape or targets_B.ndim != 1:
            raise UserError(_unfit("one prediction for each target (B,)", predictions, targets_B))
        return predictions_B, targets_B


@dataclass(frozen=True)
class CrossEntropy:
    """-log softmax(logits)[target] for a model with an output for each class: logits (B, C), targets (B,) int64."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        logits_BC, targets_B = self._logits(model, batch)
        return F.cross_entropy(logits_BC, targets_B, reduction="none")

    def facts(self, model: nn.Module, batch: Batch) -> tuple[Fact, ...]:
        """The accuracy, and the number of rows whose class has the largest logit."""
        logits_BC, targets_B = self._logits(model, batch)
        num_right = int((logits_BC.argmax(1) == targets_B).sum())
        share = num_right / len(targets_B)
        return (
            Fact("accuracy", share, "", f"{percent(share)} of the rows are classified correctly"),
            Fact("correct_rows", num_right, "rows", f"{num_right} of {len(targets_B)} rows are classified correctly"),
        )

    def answers(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The classes with the largest logits (B,), and the targets (B,)."""
        logits_BC, targets_B = self._logits(model, batch)
        return logits_BC.argmax(1), targets_B

    def _logits(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        inputs, targets_B = _pair(batch)
        logits_BC = model(inputs)
        if logits_BC.ndim != 2 or targets_B.shape != logits_BC.shape[:1]:
            raise UserError(_unfit("logits (B, classes) for targets (B,)", logits_BC, targets_B))
        return logits_BC, targets_B


def _pair(batch: Batch) -> tuple[Batch, Tensor]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise UserError("This loss takes minibatches `(inputs, targets)`: write `loss(model, batch)` for others.")
    inputs, targets = batch
    return inputs, targets


def _unfit(needed: str, outputs: Tensor, targets: Tensor) -> str:
    return f"This loss needs {needed}, got outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}."
