"""Opens a run for training: a new one, or one to continue; otherwise refuses with the reason."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from gradviz.errors import UserError
from gradviz.experiment.deleting import remove_run
from gradviz.experiment.files import is_there, remove_partial_files
from gradviz.experiment.model import num_parameters
from gradviz.experiment.outcome import OnMessage
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run import model_of
from gradviz.experiment.run_directory import RECORD_NAME, RESUME_NAME, ROWS_NAME, checkpoint_files
from gradviz.experiment.run_record import RunRecord, read_record, write_record
from gradviz.experiment.studies.deliveries.config import TrainingConfig, describe_differences
from gradviz.experiment.studies.deliveries.prepare import PreparedRows
from gradviz.experiment.studies.deliveries.rows import Rows, read_rows, write_rows
from gradviz.experiment.studies.deliveries.run_files import Trained, read_trained


@dataclass(frozen=True)
class OpenRun:
    """A run ready for training from its last epoch."""

    directory: Path
    config: TrainingConfig
    rows: Rows
    trained: Trained | None
    num_threads: int
    """CPU threads of its training, regardless of the process, so that it continues bit for bit."""

    @property
    def next_epoch(self) -> int:
        return 0 if self.trained is None else self.trained.resume.epoch + 1

    @property
    def finished(self) -> bool:
        return self.next_epoch > self.config.epochs


def check_same_run(directory: Path, config: TrainingConfig) -> None:
    """Raises UserError if the directory holds a run of another configuration, or checkpoints without a run.json.

    A run that broke off before its first epoch has nothing to lose and may be replaced.
    """
    path = directory / RECORD_NAME
    if not is_there(path):
        if checkpoint_files(directory) or is_there(directory / RESUME_NAME):
            raise UserError(f"{directory} holds checkpoints but no {RECORD_NAME}: start again there with `--fresh`.")
        return
    try:
        record = read_record(path)
    except UnusableFile as error:
        raise UserError(f"{path} cannot be used: {error.reason}; start again there with `--fresh`.") from error
    differences = config.differences(record.config)
    if differences and max(checkpoint_files(directory), default=0) > 0:
        raise UserError(
            f"{directory} holds a run of another configuration ({describe_differences(differences)}): "
            "use the same options to continue it, `--runs` for another place, or `--fresh` to replace it."
        )


def is_begun(directory: Path, config: TrainingConfig) -> bool:
    """Whether the directory holds a run of this configuration. Call `check_same_run` first."""
    path = directory / RECORD_NAME
    return is_there(path) and not config.differences(read_record(path).config)


def create_run(directory: Path, config: TrainingConfig, prepared: PreparedRows) -> OpenRun:
    """Creates a run: removes the files of an earlier one, writes the rows and `run.json`. Call this under the lock."""
    remove_run(directory)
    with torch.device("meta"):
        size = num_parameters(model_of(config))
    rows = prepared.rows
    write_rows(directory / ROWS_NAME, rows)
    record = RunRecord(
        **dict(config),
        torch_version=torch.__version__,
        num_parameters=size,
        rows_used=rows.targets_R.numel(),
        rows_left_out=prepared.num_left_out,
        rows_train=rows.num_train,
        rows_test=rows.test_rows.numel(),
        num_threads=torch.get_num_threads(),
    )
    write_record(directory / RECORD_NAME, record)
    return OpenRun(directory, config, rows, None, torch.get_num_threads())


def continue_run(
    directory: Path, config: TrainingConfig, prepare: Callable[[], PreparedRows], on_message: OnMessage
) -> OpenRun:
    """Continues a run of the same configuration after its last complete epoch. Call this under the lock.

    Reports and rebuilds damaged files: the rows from the table, the training from epoch 0 (which writes the same
    bytes).
    """
    remove_partial_files(directory)
    record = read_record(directory / RECORD_NAME)
    try:
        rows = read_rows(directory / ROWS_NAME, record.rows_used, record.rows_train)
    except UnusableFile as error:
        on_message(f"{error} It will be rebuilt from the table.")
        rows = prepare().rows
        write_rows(directory / ROWS_NAME, rows)
    try:
        trained = read_trained(directory, config)
    except UnusableFile as error:
        on_message(f"{error} {config.name} trains again from epoch 0.")
        trained = None
    here = torch.get_num_threads()
    opened = OpenRun(directory, config, rows, trained, record.num_threads or here)
    if opened.finished:
        on_message(f"{config.name}: already trained for {opened.next_epoch - 1} epochs ({config.epochs} requested).")
        return opened
    if trained is not None:
        on_message(f"{config.name}: continues after epoch {trained.resume.epoch} of {config.epochs}.")
        if record.torch_version != torch.__version__:
            on_message(
                f"{config.name} was started with torch {record.torch_version}, this is {torch.__version__}: "
                "its numbers may differ in the last digits from those of a single version."
            )
        if record.num_threads is None:
            on_message(
                f"{config.name}: run.json does not record its number of CPU threads; if it was not {here}, its numbers"
                " may differ in the last digits from those of an uninterrupted training."
            )
        elif record.num_threads != here:
            on_message(
                f"{config.name} was started with {record.num_threads} CPU threads and continues with them instead of"
                f" this process's {here}, so that its numbers are those of an uninterrupted training."
            )
    if record.config != config or record.num_threads is None:
        write_record(
            directory / RECORD_NAME,
            record.model_copy(update=dict(config) | {"num_threads": opened.num_threads}),
        )
    return opened
