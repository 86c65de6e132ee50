"""Answers questions in this process: from the cache if possible, else one computation at a time."""

from collections.abc import Callable, Sequence

import torch

from gradviz.compute.cache import FieldCache
from gradviz.compute.interface import Compute, Load, Priority, State, StillWanted, Ticket
from gradviz.compute.memory import answered
from gradviz.compute.question import Question
from gradviz.compute.turns import TASK_SECONDS, Turns, waiting_since
from gradviz.compute.workbench import MEMORY_BYTES, Workbench
from gradviz.experiment.store import RunStore

QUEUE_LIMIT = 256


class LocalCompute(Compute):
    """The caller computes the result when its turn comes; the cache answers at any time.

    `device` is auto, cpu or cuda; `threads` of torch, 0 for its own choice; `queue_limit`: computations that may wait;
    `task_seconds`: time limit of one; `on_load` gets the load whenever it changes.
    """

    def __init__(
        self,
        store: RunStore,
        cache: FieldCache,
        *,
        device: str = "auto",
        threads: int = 0,
        memory_bytes: int = MEMORY_BYTES,
        queue_limit: int = QUEUE_LIMIT,
        task_seconds: float = TASK_SECONDS,
        on_load: Callable[[Load], None] = lambda load: None,
    ) -> None:
        self.store, self.cache = store, cache
        self.bench = Workbench(store, device=device, memory_bytes=memory_bytes, cache=cache)
        if threads:
            torch.set_num_threads(threads)
        self._turns = Turns(queue_limit, on_load, seconds=task_seconds)

    def submit(self, questions: Sequence[Question], priority: Priority = "interactive") -> list[Ticket]:
        keyed = [(question.key(self.store), question) for question in questions]
        new = tuple(question for key, question in keyed if len(keyed) > 1 and self.cache.get(key) is None)
        since = waiting_since()
        return [Ticket(key, question, priority, new, question.passes(self.store), since) for key, question in keyed]

    def result(self, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        def work() -> bytes:
            return answered(ticket.question, self.bench, ticket.together)

        return self.cache.once(ticket.key, lambda: self._turns.run(ticket, work, still_wanted), still_wanted)

    def progress(self, ticket: Ticket) -> State:
        if self.cache.get(ticket.key) is not None:
            return "done"
        return "running" if self._turns.is_running(ticket) else "waiting"

    def cancel(self, ticket: Ticket) -> None:
        self._turns.cancel(ticket)

    def load(self) -> Load:
        return self._turns.load()
