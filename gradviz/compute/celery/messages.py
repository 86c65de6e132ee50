"""Messages to workers, as JSON, checked by the same models that check requests to the server."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from kombu.serialization import register
from pydantic import BaseModel, ConfigDict, Field, model_validator

import gradviz
from gradviz.compute.kinds import AnyQuestion
from gradviz.experiment.names import RunGroup, RunLabel, RunName
from gradviz.experiment.optimizers import AnyOptimizer
from gradviz.experiment.run_directory import MAX_EPOCHS
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study import Study
from gradviz.experiment.study_record import PlainValues
from gradviz.experiment.study_trainer import StudyTraining
from gradviz.experiment.study_training import StudyPlan
from gradviz.landscape.paths.request import PathsRequest

MAX_BYTES = 64 * 1024
"""Size limit of one message; larger ones are refused unread."""

MAX_QUESTIONS = 64
MAX_RUNS = 64
_SERIALIZER = "json"  # Celery's own name, so that this process reads no other JSON
_ROOMS = ("experiment", "landscape", "evidence", "compute")

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Chain = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Code = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Work(BaseModel):
    """Questions that may share work, with the keys under which the sender will look for the answers.

    `code` is the sender's version: a worker of another version refuses, so that answers of two never mix.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    keys: tuple[Key, ...] = Field(min_length=1, max_length=MAX_QUESTIONS)
    questions: tuple[AnyQuestion, ...] = Field(min_length=1, max_length=MAX_QUESTIONS)

    @model_validator(mode="after")
    def _as_many(self) -> "Work":
        if len(self.keys) != len(self.questions):
            raise ValueError(f"`keys` must have as many items as `questions`, got {len(self.keys)}.")
        return self


class PathsOrder(BaseModel):
    """A stretch of a job of paths: some replicas of this request. The next stretch has the next `number`.

    `chain` identifies this job; `key`: that of the paths as the sender reads the run, on a CPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    chain: Chain
    number: int = Field(default=0, ge=0, le=1_000_000)
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    request: PathsRequest


class StudyOrder(BaseModel):
    """A run of a study to train; the worker has the study itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: RunName
    label: RunLabel = ""
    group: RunGroup = ""
    arguments: PlainValues = Field(default_factory=dict)
    optimizer: AnyOptimizer
    batch_size: int = Field(ge=1, le=100_000)
    epochs: int = Field(ge=1, le=MAX_EPOCHS)
    seed: int = Field(ge=0, lt=2**63)

    @classmethod
    def of(cls, training: StudyTraining) -> "StudyOrder":
        plan = training.plan
        return cls(
            name=training.name,
            label=training.label,
            group=training.group,
            arguments=dict(plan.arguments),
            optimizer=plan.optimizer,
            batch_size=plan.batch_size,
            epochs=plan.epochs,
            seed=plan.seed,
        )

    def training(self, study: Study) -> StudyTraining:
        """The same for a study of this process."""
        plan = StudyPlan(study, self.arguments, self.optimizer, self.batch_size, self.epochs, self.seed)
        return StudyTraining(self.name, plan, self.label, self.group)


class StudyOrders(BaseModel):
    """The runs of a study to train, with the digest of its source: a worker with another source refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RunName
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    runs: tuple[StudyOrder, ...] = Field(min_length=1, max_length=MAX_RUNS)


class Segment(BaseModel):
    """A stretch of a training: some epochs of these runs. The next segment has the next `number`.

    `configs`: the runs of deliveries; or `study`: those of another.
    `chain` identifies this training; `fresh` replaces existing runs; `patience`: how often to postpone it while another
    trainer holds a run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    chain: Chain
    number: int = Field(default=0, ge=0, le=1_000_000)
    patience: int = Field(default=60, ge=0, le=1000)
    configs: tuple[TrainingConfig, ...] = Field(default=(), max_length=MAX_RUNS)
    study: StudyOrders | None = None
    fresh: bool = False

    @model_validator(mode="after")
    def _of_one_study(self) -> "Segment":
        if bool(self.configs) is (self.study is not None):
            raise ValueError("a segment must have either `configs` or `study`.")
        return self


@cache
def code_version() -> str:
    """16 hex digits of the source text of all computing code: programs with equal versions give the same bytes."""
    root = Path(gradviz.__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for room in _ROOMS for path in (root / room).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def use_strict_json() -> None:
    """Makes Celery read and write only plain JSON of at most MAX_BYTES, without extensions, in this process."""
    register(_SERIALIZER, _written, _read, content_type="application/json", content_encoding="utf-8")


def _written(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    assert len(text) <= MAX_BYTES, f"a message of {len(text)} bytes"
    return text


def _read(text: str | bytes) -> Any:
    if len(text) > MAX_BYTES:
        raise ValueError(f"a message of {len(text)} bytes, more than {MAX_BYTES}")
    return json.loads(text)
