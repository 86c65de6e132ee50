"""Recipes: how a study trains, for `gradviz train --study`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch
from gradviz.experiment.names import is_run_name
from gradviz.experiment.optimizers import Adam, Optimizer, optimizer_of
from gradviz.experiment.run_directory import MAX_EPOCHS


@dataclass(frozen=True)
class Recipe:
    """How a study trains: `Study(..., train=Recipe(rows))`.

    `rows(seed)`: all training rows and all test rows, as two batches. Each epoch is one pass over the training rows in
    a new order, in minibatches of `batch_size`; an incomplete last one is left out.
    `optimizer`: one of gradviz's, or a text such as `adamw(0.1)`, with its learning rate.
    `variants`: by name, the arguments of the study's `model` for each run that is trained unless others are asked for.
    `threads`: CPU threads of a training, by default as many as torch takes. A small network is quickest with one,
    whatever else the machine does, and rounds alike on machines with any number of cores.
    `optimizers`: by the names of variants, the optimizers of those that have one of their own.
    """

    rows: Callable[[int], tuple[Batch, Batch]]
    epochs: int = 30
    batch_size: int = 64
    optimizer: Optimizer | str = field(default_factory=Adam)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"default": {}})
    optimizers: Mapping[str, Optimizer | str] = field(default_factory=dict)
    threads: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.rows):
            raise UserError(f"`rows` of a recipe must be a function of the seed, got {shown(repr(self.rows))}.")
        for name, most in (("epochs", MAX_EPOCHS), ("batch_size", 100_000), ("threads", 4096)):
            value = getattr(self, name)
            if value is None and name == "threads":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise UserError(f"`{name}` of a recipe must be in [1, {most}], got {shown(repr(value))}.")
        try:
            object.__setattr__(self, "optimizer", optimizer_of(self.optimizer))
            own = {name: optimizer_of(optimizer) for name, optimizer in self.optimizers.items()}
            object.__setattr__(self, "optimizers", own)
        except ValueError as error:
            raise UserError(str(error)) from error
        if not self.variants or not all(isinstance(name, str) and is_run_name(name) for name in self.variants):
            raise UserError(
                "`variants` of a recipe must have at least one name of letters, digits, `_` or `-`, got "
                f"{shown(', '.join(map(str, self.variants)))}."
            )
        unknown = [name for name in self.optimizers if name not in self.variants]
        if unknown:
            raise UserError(
                f"`optimizers` of a recipe must name some of its variants, {', '.join(self.variants)}, got "
                f"{shown(', '.join(map(str, unknown)))}."
            )

    def optimizer_for(self, variant: str) -> Optimizer:
        """The optimizer of a variant."""
        return optimizer_of(self.optimizers.get(variant, self.optimizer))
