"""Celery's consumer with a guard at its door: a message that no server of ours has written is dropped, and logged.

Without it a message whose headers are not of the expected types ends the whole worker, and is then given to the next.
And where a broker goes away while all slots are taken, Celery notes that a task cannot be settled and goes on without
its slot, for ever: here that ends the connection, and the next one begins with all slots.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from kombu.exceptions import DecodeError

from gradviz.compute.celery.messages import MAX_BYTES

_log = logging.getLogger(__name__)
_TEXT_CHARACTERS = 256


class StrictConsumer(Consumer):
    """Takes what `refusal` finds nothing wrong with."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        assert self.app is not None
        tasks = self.app.tasks
        handle = super().create_task_handler(*args, **options)

        def guarded(message: Any) -> None:
            reason = refusal(message, tasks)
            if reason is None:
                # What a worker sends says the limit that it had; here the limit of this one holds.
                message.headers.pop("timelimit", None)
                # In place of those that only log that the connection is lost.
                message.ack_log_error = partial(_settle, message.ack)
                message.reject_log_error = partial(_settle, message.reject)
                handle(message)
            else:
                _log.error("A message is refused: %s", reason)
                message.ack()

        return guarded


def _settle(tell_broker: Callable[..., None], logger: object, errors: object, **options: Any) -> None:
    tell_broker(**options)


def refusal(message: Any, tasks: Any) -> str | None:
    """What is wrong with a message, by its headers, form and size; None if nothing is."""
    headers = message.headers
    if not isinstance(headers, dict):
        return "it has no headers"
    if not all(_is_text(headers.get(name)) for name in ("task", "id")):
        return "its task or id is no text"
    if headers["task"] not in tasks:
        return f"its task {headers['task']!r} is not known"
    if message.content_type != "application/json":
        return f"its content is {str(message.content_type)[:60]!r}, only JSON is read"
    if not isinstance(message.body, str | bytes) or len(message.body) > MAX_BYTES:
        return f"its body is no text of at most {MAX_BYTES} bytes"
    if not isinstance(headers.get("retries", 0), int) or not _is_time(headers.get("eta")):
        return "its retries are no number, or its eta no time"
    unexpected = [name for name in ("expires", "group", "stamped_headers") if _is_set(headers.get(name))]
    return f"its header {unexpected[0]} is not used here" if unexpected else _refusal_of_body(message)


def _refusal_of_body(message: Any) -> str | None:
    try:
        body = message.payload
    except (DecodeError, RecursionError) as error:
        return f"its body is no JSON ({error})"
    match body:
        case [[_], dict(options), dict(then)] if not options and not any(then.values()):
            return None
    return "its body is not one value for a task, with nothing to follow it"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _TEXT_CHARACTERS


def _is_time(value: object) -> bool:
    if value is None:
        return True
    try:
        return bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False


def _is_set(value: object) -> bool:
    return value not in (None, [])
