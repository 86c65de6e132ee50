"""The interface for answering questions: submit, result, progress, cancel; callers need not know where it computes.

Answers are addressed by their question's key: the same question, from anyone, is computed once.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

import numpy as np

from gradviz.compute.cache import FieldCache
from gradviz.compute.checkpoint import MINIBATCHES_TOGETHER
from gradviz.compute.kinds import ActivityQuestion, LandscapeQuestion, arrays_of
from gradviz.compute.question import Question
from gradviz.compute.refusals import Busy as Busy
from gradviz.compute.refusals import Cancelled as Cancelled
from gradviz.compute.refusals import ComputationFailed as ComputationFailed
from gradviz.compute.refusals import Unavailable as Unavailable
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

Priority = Literal["interactive", "sweep"]
State = Literal["waiting", "running", "done"]
StillWanted = Callable[[], bool]
"""Polled while waiting for a result: False once no one would read it."""

_AHEAD = 16


@dataclass(frozen=True, eq=False)
class Ticket:
    """A submitted question. `together`: the questions submitted with it, which may share work.

    `passes`: the approximate cost of the answer, in forward passes of a full-size network.
    """

    key: str
    question: Question
    priority: Priority
    together: tuple[Question, ...]
    passes: float = 1.0
    since: float | None = None
    """When the request for it arrived, by the monotonic clock; None: when its result is waited for."""


@dataclass(frozen=True)
class Load:
    """The numbers of waiting and running computations, and whether the compute workers are reachable."""

    waiting_interactive: int
    waiting_sweeps: int
    running: int
    reachable: bool = True


class Compute(ABC):
    """Answers questions about the runs of `store` and keeps the answers in `cache`. Safe to share between threads."""

    store: RunStore
    cache: FieldCache

    @abstractmethod
    def submit(self, questions: Sequence[Question], priority: Priority = "interactive") -> list[Ticket]:
        """A ticket for each question, in order. UserError for a missing run or checkpoint, Busy if too many wait."""

    @abstractmethod
    def result(self, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        """Waits for the answer's bytes. UserError if the input is missing or the answer cannot be computed.

        Unavailable if a retry may succeed: Cancelled once `still_wanted` is false, or after `cancel`.
        """

    @abstractmethod
    def progress(self, ticket: Ticket) -> State:
        """The state of the answer; `done` if `result` would not wait."""

    @abstractmethod
    def cancel(self, ticket: Ticket) -> None:
        """Gives up this ticket's result; other callers with the same question still get it."""

    @abstractmethod
    def load(self) -> Load:
        """The current load."""

    def ask(self, question: Question, still_wanted: StillWanted = lambda: True) -> bytes:
        """The answer to one question, with interactive priority."""
        [ticket] = self.submit([question])
        return self.result(ticket, still_wanted)

    def stream(
        self, questions: Iterable[Question], *, together: int = 1, still_wanted: StillWanted = lambda: True
    ) -> Generator[bytes]:
        """The answers in this order, each as soon as it is ready, with lower priority than interactive questions.

        `together`: how many consecutive questions share work. It submits some ahead; closing the iterator cancels
        those.
        """
        asked = iter(questions)
        tickets: deque[Ticket] = deque()
        part: list[Question] = []
        stopped: UserError | None = None
        try:
            while True:
                try:
                    while stopped is None and len(tickets) < _AHEAD and (part := part or list(islice(asked, together))):
                        tickets.extend(self.submit(part, "sweep"))
                        part = []
                except UserError as error:
                    if len(part) > 1 and not isinstance(error, Busy):  # the others of them have answers
                        asked, part, together = chain(part, asked), [], 1
                        continue
                    # Answer the earlier questions first; after some of them Busy may have passed.
                    stopped = None if isinstance(error, Busy) and tickets else error
                if not tickets:
                    if stopped is not None:
                        raise stopped
                    return
                content = self.result(tickets[0], still_wanted)
                tickets.popleft()
                yield content
        finally:
            for ticket in tickets:
                self.cancel(ticket)

    def outcomes(
        self, questions: Sequence[Question], *, together: int = 1, still_wanted: StillWanted = lambda: True
    ) -> Iterator[bytes | Exception]:
        """As `stream`, with the error in the place of each answer that there is none of."""
        answers = self.stream(questions, together=together, still_wanted=still_wanted)
        try:
            for made in range(1, len(questions) + 1):
                try:
                    outcome = next(answers)
                except Exception as error:  # noqa: BLE001  (whatever it is, it is told in this answer's place)
                    outcome = error
                    answers = self.stream(questions[made:], together=together, still_wanted=still_wanted)
                yield outcome
        finally:
            answers.close()

    def landscape(self, request: LandscapeRequest, still_wanted: StillWanted = lambda: True) -> GradientField:
        """The field of one request; UserError if the run, epoch, minibatch or parameters do not exist."""
        return GradientField.from_bytes(self.ask(LandscapeQuestion(request=request), still_wanted))

    def key(self, request: LandscapeRequest) -> str:
        """The address of a landscape."""
        return LandscapeQuestion(request=request).key(self.store)

    def sweep(
        self, request: LandscapeRequest, epochs: Iterable[int], still_wanted: StillWanted = lambda: True
    ) -> Iterator[tuple[int, GradientField]]:
        """The same selection at many epochs, as they are ready."""
        wanted = list(epochs)
        questions = [LandscapeQuestion(request=request.model_copy(update={"epoch": epoch})) for epoch in wanted]
        for epoch, content in zip(wanted, self.stream(questions, still_wanted=still_wanted), strict=True):
            yield epoch, GradientField.from_bytes(content)

    def minibatches(
        self, request: LandscapeRequest, indices: Iterable[int], still_wanted: StillWanted = lambda: True
    ) -> Iterator[tuple[int, GradientField]]:
        """The same selection for many minibatches, as they are ready; those not yet cached share a forward pass."""
        wanted = list(indices)
        questions = [LandscapeQuestion(request=request.of_minibatch(index)) for index in wanted]
        contents = self.stream(questions, together=MINIBATCHES_TOGETHER, still_wanted=still_wanted)
        for index, content in zip(wanted, contents, strict=True):
            yield index, GradientField.from_bytes(content)

    def activity(self, run: str, epoch: int, still_wanted: StillWanted = lambda: True) -> list[np.ndarray]:
        """For each hidden layer, (N,) float32: each unit's share of active training rows, in eval mode."""
        return arrays_of(self.ask(ActivityQuestion(run=run, epoch=epoch), still_wanted))
