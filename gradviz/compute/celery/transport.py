"""Kombu's Redis transport, with a check of each message, and for brokers with full memory.

It logs and drops messages that no server of ours wrote, before Celery sees them. A worker announces itself before it
notes a message as taken, so that the others know its owner even if the broker has just lost everything. While the
broker's memory is full, a taken message cannot be noted; the worker works on it all the same.
"""

import logging
from contextlib import suppress
from functools import partial
from typing import Any

from kombu.transport import redis as of_kombu
from kombu.transport import virtual
from kombu.utils.json import dumps
from redis import Redis
from redis.exceptions import ResponseError

from gradviz.compute.celery.envelope import refusal
from gradviz.compute.celery.workers import Workers, who_took

_log = logging.getLogger(__name__)


class _Client(of_kombu.PrefixedStrictRedis):
    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        """Returns None, as if nothing had come, for a refused message, which has left the queue."""
        response = super().parse_response(connection, command_name, **options)
        if command_name == "BRPOP" and response:
            reason = refusal(response[1])
            if reason is not None:
                _log.error("Refused a message: %s", reason)
                return None
        return response


class _QoS(of_kombu.QoS):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._not_noted: dict[str, Any] = {}

    def append(self, message: Any, delivery_tag: str) -> None:
        try:
            if worker := who_took(self.unacked_key):
                Workers(Redis(connection_pool=self.channel.pool)).beat(worker)
            super().append(message, delivery_tag)
        except ResponseError as error:
            _log.warning("Cannot note a message as taken (%s); working on it all the same.", error)
            self._not_noted[delivery_tag] = message
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        with self.channel.conn_or_acquire() as client:
            # No transaction: a full Redis refuses whole transactions, but still deletes.
            pipeline = client.pipeline(transaction=False)
            pipeline.zrem(self.unacked_index_key, delivery_tag)
            pipeline.hdel(self.unacked_key, delivery_tag)
            pipeline.execute()
        virtual.QoS.ack(self, delivery_tag)
        self._not_noted.pop(delivery_tag, None)

    def restore_visible(self, *args: Any, **options: Any) -> None:
        with suppress(ResponseError):  # from a full Redis; Celery calls this again in a second
            super().restore_visible(*args, **options)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        message = self._not_noted.get(tag)
        try:
            if message is None:
                super().restore_by_tag(tag, client, leftmost)
                return
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _log.error("Dropped a taken message that is no longer readable: %s", error)
            self._remove_from_indices(tag).execute()
            return
        with self.channel.conn_or_acquire(client) as client:
            push = client.lpush if leftmost else client.rpush
            push(message.delivery_info["routing_key"], dumps(message._raw))
        del self._not_noted[tag]


class Channel(of_kombu.Channel):
    """The channel of our transport."""

    QoS = _QoS

    def _get_client(self) -> Any:
        super()._get_client()
        return partial(_Client, global_keyprefix=self.global_keyprefix)


class Transport(of_kombu.Transport):
    """`broker_transport` of Celery."""

    Channel = Channel
