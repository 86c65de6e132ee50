"""`run.json`: the whole configuration of a run, its software, and its numbers of rows and parameters."""

import json
from pathlib import Path

from pydantic import Field, ValidationError

from gradviz.errors import one_line, shown
from gradviz.experiment.files import write_whole
from gradviz.experiment.outside import UnusableFile, read_json
from gradviz.experiment.studies.deliveries.config import TrainingConfig, from_flat
from gradviz.experiment.study_record import StudyRecord, parsed_study_record

FORMAT_VERSION = 2
OWN_STUDY = TrainingConfig.model_fields["study"].default
_FLAT_VERSION = 1  # of version 0.1, where a run was its regularizer
_MAX_BYTES = 64 * 1024


class RunRecord(TrainingConfig):
    """The configuration, with the facts of the run."""

    format_version: int = FORMAT_VERSION
    torch_version: str
    num_parameters: int = Field(ge=1)
    rows_used: int = Field(ge=1)
    rows_left_out: int = Field(ge=0)
    rows_train: int = Field(ge=1)
    rows_test: int = Field(ge=1)
    num_threads: int | None = Field(default=None, ge=1, le=4096)
    """CPU threads of the training, because another number rounds sums differently. None in a run of version 0.1."""

    @property
    def config(self) -> TrainingConfig:
        return TrainingConfig(**{name: getattr(self, name) for name in TrainingConfig.model_fields})


def write_record(path: Path, record: RunRecord) -> None:
    """Writes the complete `run.json` or nothing."""
    write_whole(path, (json.dumps(record.model_dump(mode="json"), indent=2) + "\n").encode())


def read_record(path: Path) -> RunRecord:
    """Reads `run.json` of the deliveries; raises UnusableFile with the reason if it is missing, damaged, of a later
    format, or of another study."""
    record = read_any_record(path)
    if isinstance(record, StudyRecord):
        raise UnusableFile(path, f"it is of the study {record.study}, not of {OWN_STUDY}")
    return record


def read_any_record(path: Path) -> RunRecord | StudyRecord:
    """Reads `run.json` of any study; raises UnusableFile as above."""
    values = read_json(path, _MAX_BYTES)
    if not isinstance(values, dict):
        raise UnusableFile(path, "it is not a JSON object")
    version = values.get("format_version")
    if version not in (_FLAT_VERSION, FORMAT_VERSION):
        raise UnusableFile(
            path,
            f"its format_version is {shown(repr(version))}, this gradviz reads {_FLAT_VERSION} and {FORMAT_VERSION}",
        )
    if version == FORMAT_VERSION and values.get("study", OWN_STUDY) != OWN_STUDY:
        return parsed_study_record(path, values)
    try:
        upgraded = from_flat(values) | {"format_version": FORMAT_VERSION} if version == _FLAT_VERSION else values
        record = RunRecord.model_validate(upgraded)
    except ValidationError as error:
        raise UnusableFile(path, one_line(error).rstrip(".")) from error
    except ValueError as error:  # of `from_flat`
        raise UnusableFile(path, str(error).rstrip(".")) from error
    if record.name != path.parent.name:
        raise UnusableFile(path, f"it is for the run {record.name}, but is in {path.parent.name}")
    return record
