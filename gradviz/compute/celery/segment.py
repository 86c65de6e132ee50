"""Trains one stretch in a worker: from the last saved epoch, until it is finished, unwanted, or time for the next.

A killed worker, broker or server loses at most the current epoch. The lock of each run excludes a second trainer; a
message delivered twice finds a later segment running, or that lock.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from gradviz.compute.celery.desk import MAX_STARTS
from gradviz.compute.celery.messages import Segment, code_version
from gradviz.compute.celery.training_desk import TrainingDesk, TrainingEnd, TrainingNow
from gradviz.compute.interface import Unavailable
from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.lock import RunLocked
from gradviz.experiment.outcome import TrainingOutcome, TrainingProgress
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.experiment.study_loading import SHIPPED, load_study
from gradviz.experiment.study_trainer import train_studies
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
SHARE_OF_LIMIT = 0.25
"""A segment ends at the first saved epoch after this share of a task's time limit."""

_SPEAK_SECONDS = 1.0


class Then(Enum):
    """What to send after a segment: the next one, the same one a little later, or nothing."""

    NEXT = "next"
    AGAIN = "again"
    NOTHING = "nothing"


def train_segment(segment: Segment, settings: Settings, desk: TrainingDesk) -> Then:
    """Trains, reports progress and the end to the desk, and returns what to send next."""
    now = desk.now()
    if now is None or now.chain != segment.chain or now.number > segment.number:
        return Then.NOTHING
    if segment.code != code_version():
        message = (
            f"The worker runs version {code_version()}, the server {segment.code}: install the same version on both."
        )
        desk.finish(segment.chain, TrainingEnd(True, message))
        return Then.NOTHING
    if desk.count_start(segment.chain, segment.number) > MAX_STARTS:
        desk.finish(segment.chain, TrainingEnd(True, _gave_up(settings.task_seconds)))
        return Then.NOTHING
    course = _Course(
        segment, desk, replace(now, number=segment.number, fresh=False), settings.task_seconds * SHARE_OF_LIMIT
    )
    try:
        outcome = _train_of(segment, settings)(
            fresh=segment.fresh and not desk.has_begun(segment.chain),
            device=settings.device,
            on_progress=course.on_progress,
            on_message=course.on_message,
            stop=course.stop,
        )
    except RunLocked as error:
        if segment.patience:
            desk.count_start(segment.chain, segment.number, -1)
            return Then.AGAIN
        desk.finish(segment.chain, TrainingEnd(True, str(error)))
        return Then.NOTHING
    except Unavailable:
        raise
    except UserError as error:
        desk.finish(segment.chain, TrainingEnd(True, str(error)))
        return Then.NOTHING
    except Exception as error:  # noqa: BLE001  (any error must reach the waiting callers; the log has the traceback)
        _log.exception("The training failed.")
        desk.finish(segment.chain, TrainingEnd(True, _failed(error), refused=False))
        return Then.NOTHING
    if not outcome.finished and outcome.signal is None and course.wanted and desk.is_wanted(segment.chain):
        # The next segment announces itself: if this worker is killed before sending it, this segment repeats.
        return Then.NEXT
    desk.finish(segment.chain, TrainingEnd(False, ""))
    return Then.NOTHING


def _train_of(segment: Segment, settings: Settings) -> Callable[..., TrainingOutcome]:
    """The training of the segment's runs; UserError unless the worker has the sender's study."""
    if segment.study is None:
        return partial(train, settings.runs, segment.configs)
    if not settings.study and segment.study.name not in SHIPPED:
        raise UserError(
            f"The worker does not know the study {segment.study.name}: start it with `--study FILE.py:NAME`, as the "
            "server is."
        )
    loaded = load_study(settings.study or segment.study.name, segment.study.digest)
    trainings = [order.training(loaded.study) for order in segment.study.runs]
    return partial(train_studies, settings.runs.absolute(), trainings)


def _failed(error: Exception) -> str:
    return (
        f"The training failed ({type(error).__name__}); see the worker's log. Start it again to continue from the last "
        "saved epoch."
    )


def _gave_up(seconds: int) -> str:
    return (
        f"The training crashed its worker, or saved no epoch within {seconds} s, {MAX_STARTS} times; see the worker's "
        "log. Train less at a time, or increase GRADVIZ_TASK_SECONDS and GRADVIZ_VISIBILITY_SECONDS."
    )


@dataclass
class _Course:
    """Reports a segment's progress to the desk every second and epoch; continues while the broker is away."""

    segment: Segment
    desk: TrainingDesk
    now: TrainingNow
    seconds: float
    stop: StopRequest = field(default_factory=StopRequest)
    wanted: bool = True
    clock: Callable[[], float] = time.monotonic
    _begun: bool = False
    _spoken: float = 0.0

    def __post_init__(self) -> None:
        self._start = self.clock()

    def on_message(self, message: str) -> None:
        self.now = replace(self.now, message=message)

    def on_progress(self, progress: TrainingProgress) -> None:
        self.now = replace(
            self.now, message=f"{progress.run}: epoch {progress.epoch} of {progress.epochs}, on a worker."
        )
        if progress.saved and self.clock() - self._start > self.seconds:
            self.stop.ask()
        if progress.saved or not self._begun or self.clock() - self._spoken > _SPEAK_SECONDS:
            self._spoken = self.clock()
            self._tell()

    def _tell(self) -> None:
        try:
            if self.desk.remind(self.now):
                self._begun = False
            if not self.desk.is_wanted(self.segment.chain):
                self.wanted = False
                self.stop.ask()
                return
            self.desk.speak(self.now)
            if not self._begun:
                self.desk.note_begun(self.segment.chain)
                self._begun = True
        except Unavailable:
            return  # the next report will include it
