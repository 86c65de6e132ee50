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
from gradviz.experiment.studies.deliveries.config import TrainingConfig

MAX_BYTES = 64 * 1024
"""Size limit of one message; larger ones are refused unread."""

MAX_QUESTIONS = 64
MAX_RUNS = 64
_SERIALIZER = "json"  # Celery's own name, so that this process reads no other JSON
_ROOMS = ("experiment", "landscape", "evidence", "compute")

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
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


class Segment(BaseModel):
    """A stretch of a training: some epochs of these runs. The next segment has the next `number`.

    `chain` identifies this training; `fresh` replaces existing runs; `patience`: how often to postpone it while another
    trainer holds a run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    chain: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    number: int = Field(default=0, ge=0, le=1_000_000)
    patience: int = Field(default=60, ge=0, le=1000)
    configs: tuple[TrainingConfig, ...] = Field(min_length=1, max_length=MAX_RUNS)
    fresh: bool = False


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
