"""`run.json` of a study's run: its study, with the digest of its source, and what the user tells of the run."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gradviz.errors import one_line
from gradviz.experiment.files import write_whole
from gradviz.experiment.names import RunGroup, RunLabel, RunName
from gradviz.experiment.outside import UnusableFile

Plain = bool | int | float | str | None
PlainValues = Annotated[dict[str, Plain], Field(max_length=100)]
"""Names with values that JSON can hold."""


class StudyRecord(BaseModel):
    """What a run of any study tells of itself; frozen and validated.

    `study_digest`: of the source that made the study, None for a notebook's; `arguments`: those of the study's `model`;
    `settings`: anything else that defines the run, such as its optimizer, in the user's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    study: RunName
    study_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    name: RunName
    label: RunLabel = ""
    group: RunGroup = ""
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    arguments: PlainValues = Field(default_factory=dict)
    settings: PlainValues = Field(default_factory=dict)
    format_version: Literal[2] = 2
    torch_version: str
    num_parameters: int = Field(ge=1)
    num_minibatches: int = Field(ge=1)

    @property
    def title(self) -> str:
        """The run's label, or its name."""
        return self.label or self.name


def write_study_record(path: Path, record: StudyRecord) -> None:
    """Writes the complete `run.json` or nothing."""
    write_whole(path, (json.dumps(record.model_dump(mode="json"), indent=2) + "\n").encode())


def parsed_study_record(path: Path, values: dict) -> StudyRecord:
    """The record in `run.json`; raises UnusableFile if a value is unusable."""
    try:
        record = StudyRecord.model_validate(values)
    except ValidationError as error:
        raise UnusableFile(path, one_line(error).rstrip(".")) from error
    if record.name != path.parent.name:
        raise UnusableFile(path, f"it is for the run {record.name}, but is in {path.parent.name}")
    return record
