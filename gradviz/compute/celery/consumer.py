"""A Celery consumer that survives a full or absent broker.

If the broker goes away while all slots are taken, plain Celery logs that it cannot settle a task and loses that slot
for ever; here the connection ends, and the next one starts with all slots. If the broker has no memory to take a task
back, this consumer retries until it has.
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
    """Ensures that the outcome of each task, acknowledged or rejected, reaches the broker."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **options)
        self._take_up()

        def patient(message: Any) -> None:
            # A message from a worker carries that worker's time limit; this worker's limit applies here.
            message.headers.pop("timelimit", None)
            # Celery's own only log that the connection is lost.
            message.ack_log_error = partial(self._settle, message.ack)
            message.reject_log_error = partial(self._settle, message.reject)
            handle(message)

        return patient

    def _take_up(self) -> None:
        """Requeues messages that this worker took over a lost connection and is not working on."""
        channel = self.task_consumer.channel  # pyright: ignore[reportAttributeAccessIssue]  (set by a step of Celery's)
        kept = {request.message.delivery_tag for request in tuple(active_requests)}
        with channel.conn_or_acquire() as client:
            for tag in client.zrange(channel.unacked_index_key, 0, -1):
                if tag.decode() not in kept:
                    channel.qos.restore_by_tag(tag.decode(), client)

    def on_connection_error_after_connected(self, exc: BaseException) -> None:
        """Pauses before the next attempt if the broker refused a command, usually for lack of memory."""
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, ResponseError):
            threading.Event().wait(_AGAIN_SECONDS)  # the broker does not announce free memory

    def _settle(self, tell_broker: Callable[..., None], logger: object, errors: object, requeue: bool = False) -> None:
        """Replaces Celery's functions, with all their ways of being called."""
        options = {"requeue": True} if requeue else {}
        try:
            tell_broker(**options)
        except ResponseError as error:
            _log.warning("Cannot return a task (%s); will retry.", error)
            assert self.timer is not None
            self.timer.call_after(_AGAIN_SECONDS, self._settle_again, (tell_broker, requeue))

    def _settle_again(self, tell_broker: Callable[..., None], requeue: bool) -> None:
        try:
            self._settle(tell_broker, None, None, requeue)
        except self.connection_errors as error:
            _log.warning("Cannot return a task (%s); will retry when the broker is reachable.", error)
