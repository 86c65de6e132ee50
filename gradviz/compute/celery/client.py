"""Answers questions through workers elsewhere: sends each question once, waits, and sends it again if it is lost."""

import threading
import time
from collections.abc import Sequence

from celery import Celery

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import BrokerAway, Desk
from gradviz.compute.celery.envelope import ANSWER
from gradviz.compute.celery.messages import Work, code_version, use_strict_json
from gradviz.compute.celery.names import BATCH, INTERACTIVE
from gradviz.compute.celery.reply import Reply
from gradviz.compute.interface import (
    Busy,
    Cancelled,
    Compute,
    Load,
    Priority,
    State,
    StillWanted,
    Ticket,
    Unavailable,
)
from gradviz.compute.question import Question
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

_LOOK_SECONDS = 0.25
_AWAY_SECONDS = 2.0
_RETRY_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0
_LOOK_FOR_WORKERS_SECONDS = 1.0
NO_WORKER = "No compute worker is connected; start one with `gradviz worker`."
GONE = "The worker that computed this is gone; the request will be repeated."
STILL = "This computation takes long and continues: retry in a moment."


class CeleryCompute(Compute):
    """Keeps answers in `cache`. UserError if the settings' broker may not be used."""

    def __init__(self, store: RunStore, cache: FieldCache, settings: Settings) -> None:
        self.store, self.cache = store, cache
        self._limit = settings.queue_limit
        broker = broker_of(settings)
        use_strict_json()
        self.app: Celery = create_app(settings, broker)
        self.desk = Desk(broker, settings)

    def submit(self, questions: Sequence[Question], priority: Priority = "interactive") -> list[Ticket]:
        together = tuple(questions)
        tickets = [Ticket(question.key(self.store), question, priority, together) for question in questions]
        self._send([ticket for ticket in tickets if self.cache.get(ticket.key) is None])
        return tickets

    def result(self, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        content = self.cache.get(ticket.key)
        if content is None:
            content = self._wait(ticket, still_wanted).answer()
            self.cache.set(ticket.key, content)
        return content

    def progress(self, ticket: Ticket) -> State:
        if self.cache.get(ticket.key) is not None or self.desk.reply(ticket.key) is not None:
            return "done"
        return "running" if self.desk.is_under_way(ticket.key) else "waiting"

    def cancel(self, ticket: Ticket) -> None:
        if self.cache.get(ticket.key) is None:
            self.desk.unwant(ticket.key)

    def load(self) -> Load:
        self.desk.look_at_policy()
        try:
            return self.desk.load()
        except BrokerAway:
            return Load(0, 0, 0, reachable=False)

    def _send(self, tickets: Sequence[Ticket]) -> None:
        """Sends one message for all tickets whose question is not yet under way."""
        if not tickets:
            return
        queue = _queue_of(tickets[0])
        by_key = {ticket.key: ticket.question for ticket in tickets}
        new = self.desk.ask(list(by_key), queue)
        if not new:
            return
        waiting = self.desk.waiting(queue)
        if waiting >= self._limit:
            self.desk.unask(new)
            raise Busy(waiting) if self.desk.has_worker(queue) else Unavailable(NO_WORKER)
        work = Work.model_validate({"code": code_version(), "keys": new, "questions": [by_key[key] for key in new]})
        with self.desk.reaching():
            self.app.send_task(ANSWER, (work.model_dump(mode="json"),), queue=queue)
        self.desk.sent(new)

    def _wait(self, ticket: Ticket, still_wanted: StillWanted) -> Reply:
        """Waits for the reply while it is wanted, through losses of workers and broker.

        Unavailable if the broker stays away, no worker is connected, or no reply comes within a minute.
        """
        patience_ends = time.monotonic() + _PATIENCE_SECONDS
        look_at = 0.0
        away_ends = None
        while True:
            try:
                with self.desk.listening(ticket.key) as channel:
                    away_ends = None
                    while True:
                        if not still_wanted():
                            self.cancel(ticket)
                            raise Cancelled
                        reply = self.desk.reply(ticket.key)
                        if reply is not None:
                            return reply
                        self._send([ticket])
                        if time.monotonic() > look_at:
                            look_at = time.monotonic() + _LOOK_FOR_WORKERS_SECONDS
                            self._check_workers(ticket)
                        if time.monotonic() > patience_ends:
                            raise self._out_of_patience(ticket)
                        message = channel.get_message(timeout=_LOOK_SECONDS)
                        reply = None if message is None else Reply.from_bytes(ticket.key, message["data"])
                        if reply is not None:
                            return reply
            except BrokerAway:
                away_ends = away_ends or time.monotonic() + _AWAY_SECONDS
                if time.monotonic() > away_ends or not still_wanted():
                    raise
                threading.Event().wait(_RETRY_SECONDS)  # a broker does not announce its return

    def _check_workers(self, ticket: Ticket) -> None:
        """Unavailable if no worker is connected; the question stays queued for the first worker that connects."""
        if not self.desk.has_worker(_queue_of(ticket)) and not self._is_answered(ticket):
            raise Unavailable(f"{GONE} {NO_WORKER}" if self.desk.is_under_way(ticket.key) else NO_WORKER)

    def _is_answered(self, ticket: Ticket) -> bool:
        return self.desk.reply(ticket.key) is not None

    def _out_of_patience(self, ticket: Ticket) -> Unavailable:
        return Unavailable(STILL) if self.desk.is_under_way(ticket.key) else Busy(self.desk.waiting(_queue_of(ticket)))


def _queue_of(ticket: Ticket) -> str:
    return INTERACTIVE if ticket.priority == "interactive" else BATCH
