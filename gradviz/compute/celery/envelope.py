"""Checks each message of a queue before Celery opens it: it must be Celery's envelope for one of our tasks.

Celery trusts its queues: an envelope of another form crashes the whole worker, and some forms then go to the next.
"""

import base64
import binascii
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gradviz.compute.celery.messages import MAX_BYTES
from gradviz.compute.celery.names import QUEUES
from gradviz.errors import one_line

ANSWER, TRAIN, TAKE_PATHS = "gradviz.answer", "gradviz.train", "gradviz.paths"
MAX_ENVELOPE_BYTES = 2 * MAX_BYTES
"""The largest body in base64, and the rest of the envelope."""

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Repr = Annotated[str, Field(max_length=4096)]
_Number = Annotated[int, Field(ge=0, le=1000, strict=True)]
_OURS = "__type__"  # a key that makes kombu's JSON create other objects than JSON has


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Headers(_Form):
    """Headers of Celery's protocol 2; only None is allowed for those not used here."""

    task: Literal["gradviz.answer", "gradviz.train", "gradviz.paths"]
    id: _Text
    root_id: _Text | None = None
    parent_id: _Text | None = None
    origin: _Text | None = None
    lang: Literal["py"]
    eta: AwareDatetime | None = None
    retries: _Number = 0
    replaced_task_nesting: _Number = 0
    timelimit: tuple[int | None, int | None] | None = None
    argsrepr: _Repr = ""
    kwargsrepr: _Repr = ""
    ignore_result: bool | None = None
    redelivered: bool = False
    stamps: dict[str, None] | None = Field(default=None, max_length=0)
    stamped_headers: list[None] | None = Field(default=None, max_length=0)
    shadow: None = None
    expires: None = None
    group: None = None
    group_index: None = None


class _DeliveryInfo(_Form):
    exchange: Literal["", "interactive", "batch", "training", "paths"]
    routing_key: str
    redelivered: bool = False

    @field_validator("routing_key")
    @classmethod
    def _one_of_ours(cls, value: str) -> str:
        if value not in QUEUES:
            raise ValueError(f"it names an unknown queue: {value[:60]!r}.")
        return value


class _Properties(_Form):
    """Ignores other members: a retried task carries its headers here too."""

    model_config = ConfigDict(extra="ignore")

    delivery_tag: _Text
    delivery_info: _DeliveryInfo
    delivery_mode: Literal[1, 2] = 2
    priority: Literal[0] | None = 0
    body_encoding: Literal["base64"]
    correlation_id: _Text | None = None
    reply_to: _Text | None = None


class Envelope(_Form):
    """A message as kombu keeps it in Redis. `messages.py` defines the one value of its body."""

    body: str
    content_type: Literal["application/json"] = Field(alias="content-type")
    content_encoding: Literal["utf-8"] = Field(alias="content-encoding")
    headers: _Headers
    properties: _Properties

    @model_validator(mode="after")
    def _body_is_one_value(self) -> "Envelope":
        try:
            text = base64.b64decode(self.body, validate=True)
            body = _plain(text) if len(text) <= MAX_BYTES else None
        except (binascii.Error, ValueError, RecursionError) as error:
            raise ValueError(f"its body is not JSON in base64 ({str(error)[:60]}).") from error
        match body:
            case [[_], dict(options), dict(then)] if not options and not any(then.values()):
                return self
        raise ValueError(f"its body is not a single value of at most {MAX_BYTES} bytes.")


def refusal(raw: bytes) -> str | None:
    """The fault of a raw message from a queue, or None."""
    if len(raw) > MAX_ENVELOPE_BYTES:
        return f"it has {len(raw)} bytes, more than {MAX_ENVELOPE_BYTES}"
    try:
        Envelope.model_validate(_plain(raw))
    except ValidationError as error:
        return one_line(error)
    except (ValueError, RecursionError) as error:
        return f"it is not our JSON ({str(error)[:60]})"
    return None


def _plain(text: bytes) -> object:
    return json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any(name == _OURS for name, _ in pairs):
        raise ValueError(f"an object with {_OURS}")
    return dict(pairs)


def _constant(name: str) -> object:
    raise ValueError(f"the number {name}")
