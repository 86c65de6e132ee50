"""What a study's own code answers, checked: its model, losses, facts, minibatches and lines of text.

Nothing here changes a model or a global random state. An error in the study's code is told by its own line.
"""

# Shape suffixes: B = rows of a minibatch.

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch, num_rows
from gradviz.experiment.facts import Fact
from gradviz.experiment.study import Study
from gradviz.experiment.users_code import same_model, same_randomness, users_code

MAX_MINIBATCHES = 50


def made_model(study: Study, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """A fresh model of the study, with these arguments; UserError if that is not a model with values."""
    with same_randomness(), users_code(f"model of the study {study.name}"):
        model = study.model(**(arguments or {}))
    if not isinstance(model, nn.Module):
        raise UserError(
            f"`model` of the study {study.name} must return an nn.Module, got {type(model).__name__}: return the model."
        )
    lazy = next((name for name, tensor in model.state_dict(keep_vars=True).items() if is_lazy(tensor)), None)
    if lazy is not None:
        raise UserError(
            f"The model of the study {study.name} has no {lazy} yet, because it is lazy: let `model` call it once on "
            "an example before it returns it."
        )
    return model


def losses(study: Study, model: nn.Module, batch: Batch) -> Tensor:
    """The loss of each row (B,), or their mean (), as the study's `loss` gives it, in the model's present mode."""
    with users_code(f"loss of the study {study.name}"):
        values = study.loss(model, batch)
    rows = num_rows(batch)
    if not isinstance(values, Tensor) or values.shape not in ((), (rows,)) or not values.is_floating_point():
        got = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        raise UserError(
            f"`loss` of the study {study.name} must return the losses of the {rows} rows, or their mean, as real "
            f"numbers in a tensor, got {got}."
        )
    return values


def facts(study: Study, model: nn.Module, batch: Batch) -> tuple[Fact, ...]:
    """The study's facts about a batch, in eval mode; none if the study tells none."""
    if study.facts is None:
        return ()
    code = users_code(f"list of facts of the study {study.name}")
    with same_randomness(), same_model(model, training=False), torch.no_grad(), code:
        told = tuple(study.facts(model, batch))
    wrong = next((fact for fact in told if not isinstance(fact, Fact)), None)
    if wrong is not None:
        raise UserError(f"`facts` of the study {study.name} must return `gradviz.Fact`s, got {type(wrong).__name__}.")
    names = [fact.name for fact in told]
    if len(set(names)) < len(names):
        raise UserError(f"`facts` of the study {study.name} must have different names, got {', '.join(names)}.")
    return told


def answers(study: Study, model: nn.Module, batch: Batch, *, training: bool) -> tuple[Tensor, Tensor] | None:
    """Predictions and targets of the rows, (B,) each: numbers of one kind, or classes. None for a loss that knows none,
    as those of the user's own; UserError for anything else."""
    told = getattr(study.loss, "answers", None)
    if told is None:
        return None
    with same_randomness(), same_model(model, training=training), torch.no_grad(), users_code(f"loss of {study.name}"):
        given = told(model, batch)
    rows = num_rows(batch)
    if not isinstance(given, tuple | list) or len(given) != 2 or not all(_are_of_rows(each, rows) for each in given):
        forms = [tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__ for each in _several(given)]
        raise UserError(
            f"`answers` of the loss of the study {study.name} must return predictions and targets of the {rows} rows, "
            f"two tensors ({rows},) of finite real numbers, got {shown(', '.join(map(str, forms)))}."
        )
    return given[0], given[1]


def _several(given: object) -> Sequence[object]:
    return given if isinstance(given, tuple | list) else [given]


def _are_of_rows(values: object, rows: int) -> bool:
    if not isinstance(values, Tensor) or values.is_complex() or values.shape != (rows,):
        return False
    return bool(values.isfinite().all())


def minibatches(study: Study) -> list[Batch]:
    """The study's own minibatches; UserError if it has none."""
    if study.minibatches is None:
        raise UserError(
            f"The study {study.name} has no minibatches: give it `minibatches=`, a list of batches or a function that "
            "returns one."
        )
    given = study.minibatches
    if callable(given):
        with same_randomness(), users_code(f"list of minibatches of the study {study.name}"):
            given = given()
    return checked_minibatches(given)


def checked_minibatches(given: Sequence[Batch]) -> list[Batch]:
    """1 to 50 batches; UserError names the first that is not a nesting of tensors with rows."""
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= MAX_MINIBATCHES:
        got = f"{len(given)} of them" if isinstance(given, list | tuple) else f"a {type(given).__name__}"
        raise UserError(
            f"`minibatches` must be a list of 1 to {MAX_MINIBATCHES} batches, got {got}: "
            f"`list(itertools.islice(loader, {MAX_MINIBATCHES}))` takes them from a loader."
        )
    for number, batch in enumerate(given):
        try:
            num_rows(batch)
        except UserError as error:
            raise UserError(f"Minibatch {number}: {error}") from error
    return list(given)


def descriptions(study: Study, batch: Batch) -> list[str]:
    """A line of text for each row of a batch; none if the study describes none."""
    if study.describe is None:
        return []
    with same_randomness(), users_code(f"description of rows of the study {study.name}"):
        lines = list(study.describe(batch))
    if len(lines) != num_rows(batch) or not all(isinstance(line, str) for line in lines):
        raise UserError(
            f"`describe` of the study {study.name} must return a text for each of the {num_rows(batch)} rows, got "
            f"{shown(repr(lines))}."
        )
    return lines
