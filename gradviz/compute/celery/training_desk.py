"""What servers and workers tell each other of the one training of a broker: which it is, how it goes, how it ended."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gradviz.compute.celery.desk import PREFIX, Desk
from gradviz.settings import Settings

_NOW, _STOP, _END, _BEGUN = (f"{PREFIX}training:{name}" for name in ("now", "stop", "end", "begun"))
_DAY_SECONDS = 86_400
_SENDING_SECONDS = 10  # of a server that dies between saying so and doing so


@dataclass(frozen=True)
class TrainingNow:
    """The training under way: its chain, the number of its segment, since when (ISO 8601), and its last words."""

    chain: str
    number: int
    since: str
    message: str


@dataclass(frozen=True)
class TrainingEnd:
    """How the last training ended: `failed`, with one sentence, or not."""

    failed: bool
    message: str


class TrainingDesk:
    """Every method raises as `Desk.reaching` says. What is under way lapses when no worker speaks of it any more."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._redis = desk, desk.redis
        self._seconds = 3 * settings.visibility_seconds + settings.task_seconds

    def now(self) -> TrainingNow | None:
        with self._desk.reaching():
            text = self._redis.get(_NOW)
        return None if text is None else TrainingNow(**json.loads(text))

    def end(self) -> TrainingEnd | None:
        with self._desk.reaching():
            text = self._redis.get(_END)
        return None if text is None else TrainingEnd(**json.loads(text))

    def begin(self, chain: str, *, in_place_of_another: bool = False) -> bool:
        """Makes this the training under way; False if there is one already."""
        new = TrainingNow(chain, 0, datetime.now(UTC).isoformat(timespec="seconds"), "The training waits for a worker.")
        with self._desk.reaching():
            begun = self._redis.set(_NOW, json.dumps(asdict(new)), ex=_SENDING_SECONDS, nx=not in_place_of_another)
            if begun:
                self._redis.delete(_STOP, _END)
        return bool(begun)

    def sent(self) -> None:
        """Its first segment waits for a worker, however long there is none."""
        with self._desk.reaching():
            self._redis.expire(_NOW, _DAY_SECONDS, gt=True)

    def speak(self, now: TrainingNow) -> None:
        """It goes on, from this segment, with these words."""
        with self._desk.reaching():
            self._redis.set(_NOW, json.dumps(asdict(now)), ex=self._seconds)

    def finish(self, chain: str, end: TrainingEnd) -> None:
        """It is over, unless another has taken its place."""
        now = self.now()
        with self._desk.reaching():
            if now is not None and now.chain == chain:
                self._redis.set(_END, json.dumps(asdict(end)))
                self._redis.delete(_NOW)

    def ask_to_stop(self, chain: str) -> None:
        with self._desk.reaching():
            self._redis.set(_STOP, chain, ex=_DAY_SECONDS)

    def is_wanted(self, chain: str) -> bool:
        """Whether this training is still the one under way and nobody has asked it to stop."""
        with self._desk.reaching():
            asked = self._redis.get(_STOP)
        now = self.now()
        return now is not None and now.chain == chain and asked != chain.encode()

    def count_start(self, chain: str, number: int, change: int = 1) -> int:
        """How often this segment has been started without coming to its end."""
        name = f"{PREFIX}training:starts:{chain}:{number}"
        with self._desk.reaching():
            starts = self._redis.incrby(name, change)
            self._redis.expire(name, _DAY_SECONDS)
        return int(starts)

    def note_begun(self, chain: str) -> None:
        """Its runs have been begun afresh: whoever takes up its first segment again continues them."""
        with self._desk.reaching():
            self._redis.set(_BEGUN, chain, ex=_DAY_SECONDS)

    def has_begun(self, chain: str) -> bool:
        with self._desk.reaching():
            return self._redis.get(_BEGUN) == chain.encode()
