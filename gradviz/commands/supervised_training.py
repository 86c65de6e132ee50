"""Supervises a server's background training: starts or adopts it, restarts it when it dies, stops it with the server.

The page depends on the supervisor, so the supervisor survives any state of the directory of runs: it reports a fault
once, and checks again after a growing pause.
"""

import logging
import time
from collections.abc import Callable

from gradviz.commands.pacing import Pacing
from gradviz.commands.running_on import say
from gradviz.compute.choice import open_trainer
from gradviz.compute.interface import Unavailable
from gradviz.compute.trainer import Trainer, TrainerStatus
from gradviz.errors import UserError
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_SECONDS = 60.0


class SupervisedTraining:
    """One for the life of a supervisor. `starts`: whether it starts and restarts a training.

    UserError if the settings' broker may not be used. `clock`: seconds that only grow.
    """

    def __init__(self, settings: Settings, *, starts: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._trainer: Trainer = open_trainer(settings)
        self._starts = starts
        self._clock = clock
        self._pacing = Pacing(clock)
        self._was_running = False
        self._failure_said = False
        self._start_at: float | None = 0.0 if starts else None
        self._begun = not starts
        self._fault = ""
        self._fault_pause, self._look_at = 0.0, 0.0
        self._refusal = ""
        self.watch()

    def watch(self) -> None:
        """Checks the trainer; call this regularly. Reports a failure once."""
        if self._clock() < self._look_at:
            return
        try:
            self._look()
        except Unavailable:
            return  # workers elsewhere continue training; the next call checks again
        except (UserError, OSError) as error:
            self._look_later(error)
        except Exception as error:  # noqa: BLE001
            # A bug of ours, triggered by some file of the runs, must not take the page down.
            self._look_later(error, unexpected=True)
        else:
            if self._fault:
                say("the runs are accessible again.")
            self._fault, self._fault_pause = "", 0.0

    def stop(self) -> TrainerStatus | None:
        """Ends the background trainer, but not one in a terminal. None if it could not be stopped."""
        try:
            return self._trainer.stop(background_only=True)
        except Unavailable:
            return None
        except (UserError, OSError) as error:
            say(f"cannot stop the training: {error}")
        except Exception:  # noqa: BLE001  (the web server must end all the same)
            _log.exception("Cannot stop the training.")
        return None

    def _look(self) -> None:
        status = self._trainer.status()
        if not self._begun:
            self._begun = True
            if status.state in ("running", "stopping", "finished"):
                self._start_at = None
        if status.state == "failed" and not self._failure_said and self._start_at is None:
            self._failure_said = True
            say(f"the training failed: {status.message}")
            if self._starts and not status.refused:
                self._start_again()
        if status.state == "finished" and self._was_running:
            say("all runs are trained.")
        if status.state in ("running", "finished"):
            self._failure_said, self._start_at, self._refusal = False, None, ""
        self._was_running = status.state in ("running", "stopping")
        if self._start_at is not None and self._clock() >= self._start_at:
            self._start()

    def _start_again(self) -> None:
        pause = self._pacing.pause()
        self._start_at = self._clock() + pause
        say("restarting it from the last saved epoch" + (f" in {pause:.0f} s." if pause else "."))

    def _start(self) -> None:
        self._failure_said, self._start_at = False, None
        if not self._trainer.trains():
            say("nothing is trained here: this directory is for the runs that other programs record.")
            return
        self._pacing.starts()
        try:
            self._was_running = self._trainer.start().state == "running"
        except UserError as error:
            if str(error) != self._refusal:
                say(f"cannot start the training: {error}")
            self._refusal = str(error)
            self._start_at = self._clock() + max(1.0, self._pacing.pause())

    def _look_later(self, error: Exception, *, unexpected: bool = False) -> None:
        fault = f"{type(error).__name__}: {error}"
        if fault != self._fault:
            self._fault = fault
            say(f"cannot access the runs: {error if isinstance(error, UserError) else fault}")
            if unexpected:
                _log.error("The check of the training failed.", exc_info=error)
        self._fault_pause = min(_LONGEST_PAUSE_SECONDS, max(1.0, 2 * self._fault_pause))
        self._look_at = self._clock() + self._fault_pause
