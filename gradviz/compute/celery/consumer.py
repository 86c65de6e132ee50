"""Celery's consumer, to which a broker that is full, or away, happens without harm.

Where a broker goes away while all slots are taken, Celery notes that a task cannot be settled and goes on without its
slot, for ever: here that ends the connection, and the next one begins with all slots. Where the broker has no memory
to take a task back, that is tried until it has.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.state import active_requests
from redis.exceptions import ResponseError

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0


class PatientConsumer(Consumer):
    """What a task says when it is over, acknowledged or rejected, reaches the broker."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **options)
        self._take_up()

        def patient(message: Any) -> None:
            # What a worker sends says the limit that it had; here the limit of this one holds.
            message.headers.pop("timelimit", None)
            # In place of those that only log that the connection is lost.
            message.ack_log_error = partial(self._settle, message.ack)
            message.reject_log_error = partial(self._settle, message.reject)
            handle(message)

        return patient

    def _take_up(self) -> None:
        """What this worker had taken over a connection that is gone, and does not work on, is given out again."""
        channel = self.task_consumer.channel  # pyright: ignore[reportAttributeAccessIssue]  (set by a step of Celery's)
        kept = {request.message.delivery_tag for request in tuple(active_requests)}
        with channel.conn_or_acquire() as client:
            for tag in client.zrange(channel.unacked_index_key, 0, -1):
                if tag.decode() not in kept:
                    channel.qos.restore_by_tag(tag.decode(), client)

    def on_connection_error_after_connected(self, exc: BaseException) -> None:
        """A broker that refuses a command, most often for want of memory, is not asked again without pause."""
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, ResponseError):
            threading.Event().wait(_AGAIN_SECONDS)  # nobody tells that there is room

    def _settle(self, tell_broker: Callable[..., None], logger: object, errors: object, requeue: bool = False) -> None:
        """Called as Celery calls what it stands for, in all of Celery's ways."""
        options = {"requeue": True} if requeue else {}
        try:
            tell_broker(**options)
        except ResponseError as error:
            _log.warning("A task cannot be given back (%s): that is tried again.", error)
            assert self.timer is not None
            self.timer.call_after(_AGAIN_SECONDS, self._settle_again, (tell_broker, requeue))

    def _settle_again(self, tell_broker: Callable[..., None], requeue: bool) -> None:
        try:
            self._settle(tell_broker, None, None, requeue)
        except self.connection_errors as error:
            _log.warning("A task cannot be given back (%s): it is when the broker is reached again.", error)
