"""State of a broker's one job of paths, shared by servers and workers, and answers on their way to the servers."""

from dataclasses import dataclass

from gradviz.compute.celery.chain_desk import DAY_SECONDS, ChainDesk
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.names import PATHS, PREFIX
from gradviz.compute.celery.reply import Kind, Reply
from gradviz.compute.paths_job import Job
from gradviz.settings import Settings


@dataclass(frozen=True)
class PathsNow:
    """The current job: its chain, the number of its stretch, and how far it is."""

    chain: str
    number: int
    job: Job


class PathsDesk(ChainDesk[PathsNow, Job]):
    """That of paths, whose messages are stretches; its end is the job as it ended."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        super().__init__(desk, settings, PATHS, PathsNow, Job)

    def withdraw(self) -> None:
        """Removes what waits in the queue: messages of the one job, which no worker has taken."""
        with self._desk.reaching():
            self._redis.delete(PREFIX + PATHS)

    def leave_answer(self, key: str, content: bytes) -> None:
        """Leaves an answer for all servers, for a day; a worker keeps it longer, and leaves it again if it is asked."""
        with self._desk.reaching():
            self._redis.set(self._answer(key), Reply(Kind.ANSWER, content).to_bytes(key), ex=DAY_SECONDS)

    def answer(self, key: str) -> bytes | None:
        """The answer; None if there is none, or a worker did not write it for this key."""
        with self._desk.reaching():
            found: bytes | None = self._redis.get(self._answer(key))  # pyright: ignore[reportAssignmentType]  (not asynchronous)
        reply = None if found is None else Reply.from_bytes(key, found)
        return None if reply is None or reply.kind is not Kind.ANSWER else reply.content

    def _answer(self, key: str) -> str:
        return self._name(f"answer:{key}")
