"""State of a broker's one training, shared by servers and workers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gradviz.compute.celery.chain_desk import DAY_SECONDS, ChainDesk
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.names import PREFIX, TRAINING
from gradviz.settings import Settings

_BEGUN = f"{PREFIX}training:begun"


@dataclass(frozen=True)
class TrainingNow:
    """The current training: its chain, the number of its segment, its start (ISO 8601), and its last message.

    `fresh`: it has yet to replace existing runs.
    """

    chain: str
    number: int
    since: str
    message: str
    fresh: bool = False


@dataclass(frozen=True)
class TrainingEnd:
    """How the last training ended: `failed`, with one sentence, or not; `refused`: a restart would fail too."""

    failed: bool
    message: str
    refused: bool = True


class TrainingDesk(ChainDesk[TrainingNow, TrainingEnd]):
    """That of trainings, whose messages are segments."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        super().__init__(desk, settings, TRAINING, TrainingNow, TrainingEnd)

    def begin(self, chain: str, *, fresh: bool = False, in_place_of_another: bool = False) -> bool:
        """Makes this the current training; False if there is one already."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        new = TrainingNow(chain, 0, since, "The training waits for a worker.", fresh)
        return self.announce(new, in_place_of_another=in_place_of_another)

    def note_begun(self, chain: str) -> None:
        """Marks its runs as started over, so that repeating the first segment continues them."""
        with self._desk.reaching():
            self._redis.set(_BEGUN, chain, ex=DAY_SECONDS)

    def has_begun(self, chain: str) -> bool:
        with self._desk.reaching():
            return self._redis.get(_BEGUN) == chain.encode()
