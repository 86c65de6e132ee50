"""What may lie in a queue: an envelope as Celery writes it for one of our tasks, checked before Celery opens it.

Celery trusts its queues: an envelope of another form ends the whole worker, and some forms are then given to the next.
"""

import base64
import binascii
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gradviz.compute.celery.messages import MAX_BYTES
from gradviz.compute.celery.names import QUEUES
from gradviz.errors import one_line

ANSWER, TRAIN = "gradviz.answer", "gradviz.train"
MAX_ENVELOPE_BYTES = 2 * MAX_BYTES
"""A body of the largest size in base64, and what is written on the envelope."""

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Repr = Annotated[str, Field(max_length=4096)]
_Number = Annotated[int, Field(ge=0, le=1000, strict=True)]
_OURS = "__type__"  # by such a key kombu's JSON would make other objects than JSON has


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Headers(_Form):
    """Those of Celery's protocol 2; None alone is allowed for what is not used here."""

    task: Literal["gradviz.answer", "gradviz.train"]
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
    exchange: Literal["", "interactive", "batch", "training"]
    routing_key: str
    redelivered: bool = False

    @field_validator("routing_key")
    @classmethod
    def _one_of_ours(cls, value: str) -> str:
        if value not in QUEUES:
            raise ValueError(f"it is of no queue of ours: {value[:60]!r}.")
        return value


class _Properties(_Form):
    """Whatever else stands there is not read: a task that is tried again carries its headers here too."""

    model_config = ConfigDict(extra="ignore")

    delivery_tag: _Text
    delivery_info: _DeliveryInfo
    delivery_mode: Literal[1, 2] = 2
    priority: Literal[0] | None = 0
    body_encoding: Literal["base64"]
    correlation_id: _Text | None = None
    reply_to: _Text | None = None


class Envelope(_Form):
    """A message as kombu keeps it in Redis. What its body's one value must be is said by `messages.py`."""

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
            raise ValueError(f"its body is no JSON in base64 ({str(error)[:60]}).") from error
        match body:
            case [[_], dict(options), dict(then)] if not options and not any(then.values()):
                return self
        raise ValueError(f"its body is not one value of at most {MAX_BYTES} bytes, with nothing to follow it.")


def refusal(raw: bytes) -> str | None:
    """What is wrong with a message as it lay in a queue; None if nothing is."""
    if len(raw) > MAX_ENVELOPE_BYTES:
        return f"it has {len(raw)} bytes, at most {MAX_ENVELOPE_BYTES} are read"
    try:
        Envelope.model_validate(_plain(raw))
    except ValidationError as error:
        return one_line(error)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON of ours ({str(error)[:60]})"
    return None


def _plain(text: bytes) -> object:
    return json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any(name == _OURS for name, _ in pairs):
        raise ValueError(f"an object with {_OURS}")
    return dict(pairs)


def _constant(name: str) -> object:
    raise ValueError(f"the number {name}")
