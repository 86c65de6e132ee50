"""Begins a study's run on disk, or goes on with one, after everything has been checked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from gradviz.errors import UserError, one_line
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, mapped, selected
from gradviz.experiment.deleting import remove_run
from gradviz.experiment.files import is_there, remove_file, remove_partial_files
from gradviz.experiment.lock import run_lock
from gradviz.experiment.metrics_table import MetricsLine, read_table, write_table
from gradviz.experiment.minibatches_file import write_minibatches
from gradviz.experiment.model_state import difference, load_state
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.private import make_directory
from gradviz.experiment.run_directory import (
    METRICS_NAME,
    MINIBATCHES_NAME,
    RECORD_NAME,
    checkpoint_files,
    checkpoint_path,
)
from gradviz.experiment.run_record import OWN_STUDY, read_any_record
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import digest_of
from gradviz.experiment.study_record import StudyRecord, write_study_record
from gradviz.experiment.tensor_file import write_tensors
from gradviz.experiment.users_code import same_randomness

_TRIED_ROWS = 2


def cpu_minibatches(study: Study, given: Sequence[Batch] | None) -> list[Batch]:
    """The given minibatches, or the study's own, on the CPU; UserError if they are none."""
    batches = asking.minibatches(study) if given is None else asking.checked_minibatches(given)
    return [mapped(batch, lambda tensor: tensor.detach().cpu()) for batch in batches]


def new_record(
    study: Study,
    name: str,
    model: nn.Module,
    arguments: Mapping[str, Any],
    num_minibatches: int,
    facts: Mapping[str, Any],
) -> StudyRecord:
    """The record of a new run; UserError for a fact or an argument that run.json cannot hold."""
    if study.name == OWN_STUDY:
        raise UserError(
            f"Runs of the study {OWN_STUDY} are those of `gradviz train`: give a study of your own another name."
        )
    try:
        return StudyRecord.model_validate(
            {
                "study": study.name,
                "study_digest": digest_of(study),
                "name": name,
                "arguments": dict(arguments),
                "torch_version": str(torch.__version__),
                "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
                "num_minibatches": num_minibatches,
                **facts,
            }
        )
    except ValidationError as error:
        raise UserError(one_line(error)) from error


def check_study(
    study: Study, record: StudyRecord, state: Mapping[str, Tensor], batches: Sequence[Batch] | None
) -> None:
    """UserError unless the study's own model takes the state, and its loss a few rows of the first minibatch."""
    model = asking.made_model(study, record.arguments)
    reason = difference(model, {name: tuple(tensor.shape) for name, tensor in state.items()})
    if reason is not None:
        call = ", ".join(f"{key}={value!r}" for key, value in record.arguments.items())
        raise UserError(
            f"The recorded model is not the one that `model({call})` of the study {study.name} makes ({reason}): give "
            "`arguments` that make the same."
        )
    load_state(model, state)
    if batches is not None:
        with same_randomness():
            asking.losses(study, model.eval(), selected(batches[0], slice(_TRIED_ROWS)))


@contextmanager
def locked_directory(path: Path) -> Iterator[None]:
    """Makes the run's directory and holds its lock; RunLocked if another holds it."""
    try:
        make_directory(path)
    except OSError as error:
        raise UserError(f"{path} cannot be made ({error.strerror or error}): name a writable directory.") from error
    with run_lock(path):
        yield


def begin_run(
    path: Path, record: StudyRecord, batches: Sequence[Batch], state: Mapping[str, Tensor] | None, *, fresh: bool
) -> None:
    """Writes a new run, with its epoch 0 if that is known.

    UserError if there is a run already, unless it is to be replaced (`fresh`).
    A run that broke off before its first trained epoch has nothing to lose. Call this under the lock.
    """
    if not fresh and max(checkpoint_files(path), default=0) > 0:
        raise UserError(f"{path} holds a run already: record under another name, or replace it with `fresh=True`.")
    remove_run(path)
    write_minibatches(path / MINIBATCHES_NAME, batches)
    write_study_record(path / RECORD_NAME, record)
    if state is not None:
        write_tensors(checkpoint_path(path, 0), state)


def continued_run(path: Path, record: StudyRecord, after: int) -> list[MetricsLine]:
    """The metrics up to an epoch of a run with the same study and arguments; removes later epochs.

    UserError if it cannot go on from there. Call this under the lock.
    """
    remove_partial_files(path)
    try:
        there = read_any_record(path / RECORD_NAME)
    except UnusableFile as error:
        raise UserError(f"{path} cannot be continued: {error.reason}.") from error
    known = there.study, getattr(there, "arguments", None)
    if known != (record.study, record.arguments):
        raise UserError(
            f"{path} is of the study {known[0]} with arguments {known[1]}, not of {record.study} with "
            f"{record.arguments}: continue it with its own."
        )
    files = checkpoint_files(path)
    if not is_there(checkpoint_path(path, after)):
        raise UserError(f"`after` must be a recorded epoch of {path.name}, 0 to {max(files, default=0)}, got {after}.")
    lines = [line for line in read_table(path / METRICS_NAME)[0] if line.epoch <= after]
    for epoch in sorted(files, reverse=True):
        if epoch > after:
            remove_file(files[epoch])
    if is_there(path / METRICS_NAME):
        write_table(path / METRICS_NAME, lines)
    return lines
