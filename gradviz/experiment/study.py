"""Studies: a model, its loss and its data under a name, as the user's own code gives them."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch
from gradviz.experiment.facts import Fact
from gradviz.experiment.losses import LossFunction
from gradviz.experiment.recipe import Recipe

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Study:
    """What is studied: `gradviz.Study("cifar", make_model, loss)`.

    `model`: makes a fresh model; a run may name arguments for it. `loss(model, batch)`: the losses (B,) of the rows, or
    their mean. A batch is any nesting of tensors, rows first.
    `minibatches`: the batches to look at, or a function that makes them; a run that was recorded with its own uses
    those.
    `describe(batch)`: a line of text for each row.
    `train`: the recipe of `gradviz train --study`.
    `facts(model, batch)`: `Fact`s about a batch; by default those of the loss, if it has any.

    UserError for anything else. Nothing is called before it is needed.
    """

    name: str
    model: Callable[..., nn.Module]
    loss: LossFunction
    _: KW_ONLY
    minibatches: Sequence[Batch] | Callable[[], Sequence[Batch]] | None = None
    describe: Callable[[Batch], Sequence[str]] | None = None
    facts: Callable[[nn.Module, Batch], Iterable[Fact]] | None = None
    train: Recipe | None = None
    file: Path | None = field(init=False, repr=False, compare=False)
    """The file that makes the study; None in a notebook or a terminal."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UserError(
                f"`name` of a study must have 1 to 64 letters, digits, `_` or `-`, got {shown(repr(self.name))}."
            )
        if isinstance(self.model, nn.Module):
            kind = type(self.model).__name__
            raise UserError(
                f"`model` must be a function that makes the model, got {kind} itself: write `model=lambda: {kind}(...)`"
                ", because every checkpoint is loaded into a fresh one."
            )
        for name, needed in (("model", True), ("loss", True), ("describe", False), ("facts", False)):
            value = getattr(self, name)
            if not callable(value) and (needed or value is not None):
                raise UserError(f"`{name}` of the study {self.name} must be a function, got {shown(repr(value))}.")
        if self.minibatches is not None and not callable(self.minibatches) and not _is_list(self.minibatches):
            raise UserError(
                f"`minibatches` of the study {self.name} must be a list of batches, or a function that returns one, "
                f"got {type(self.minibatches).__name__}: `list(itertools.islice(loader, 50))` takes 50 from a loader."
            )
        if self.train is not None and not isinstance(self.train, Recipe):
            raise UserError(
                f"`train` of the study {self.name} must be a `gradviz.Recipe`, got {shown(repr(self.train))}."
            )
        if self.facts is None:
            object.__setattr__(self, "facts", getattr(self.loss, "facts", None))
        object.__setattr__(self, "file", _file_of_the_caller())


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _file_of_the_caller() -> Path | None:
    """The file of the code that makes the study: the innermost outside this module."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in (__file__, "<string>"):  # a dataclass's own __init__
        frame = frame.f_back
    if frame is None or not (path := Path(frame.f_code.co_filename)).is_file():
        return None
    return path.resolve()
