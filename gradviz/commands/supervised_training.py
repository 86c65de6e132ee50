"""The background training of a server: started or adopted, started again when it dies, stopped with the server.

Whatever state the directory of runs is in, the supervisor survives it, since the page hangs on the supervisor: a fault
is said once, and looked at again after a while that grows.
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
    """One for the life of a supervisor. `starts`: whether it begins a training, and begins it again.

    UserError where the settings' broker may not be used. `clock`: seconds that only grow.
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
        """Looks after the trainer; call it now and then. A failure is said once."""
        if self._clock() < self._look_at:
            return
        try:
            self._look()
        except Unavailable:
            return  # workers elsewhere train on; the next call asks again
        except (UserError, OSError) as error:
            self._look_later(error)
        except Exception as error:  # noqa: BLE001
            # A fault of ours, that some file of the runs has brought to light: it must not take the page down.
            self._look_later(error, unexpected=True)
        else:
            if self._fault:
                say("the runs can be looked after again.")
            self._fault, self._fault_pause = "", 0.0

    def stop(self) -> TrainerStatus | None:
        """Ends the background trainer, whoever started it; one in a terminal goes on. None if it cannot be told."""
        try:
            return self._trainer.stop(background_only=True)
        except Unavailable:
            return None
        except (UserError, OSError) as error:
            say(f"the training cannot be stopped: {error}")
        except Exception:  # noqa: BLE001  (the web server is to be ended all the same)
            _log.exception("The training cannot be stopped.")
        return None

    def _look(self) -> None:
        status = self._trainer.status()
        if not self._begun:
            self._begun = True
            if status.state in ("running", "stopping", "finished"):
                self._start_at = None
        if status.state == "failed" and not self._failure_said and self._start_at is None:
            self._failure_said = True
            say(f"the training has failed: {status.message}")
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
        say("it is started again from the last saved epoch" + (f", in {pause:.0f} s." if pause else "."))

    def _start(self) -> None:
        self._failure_said, self._start_at = False, None
        self._pacing.starts()
        try:
            self._was_running = self._trainer.start().state == "running"
        except UserError as error:
            if str(error) != self._refusal:
                say(f"the training cannot be started: {error}")
            self._refusal = str(error)
            self._start_at = self._clock() + max(1.0, self._pacing.pause())

    def _look_later(self, error: Exception, *, unexpected: bool = False) -> None:
        fault = f"{type(error).__name__}: {error}"
        if fault != self._fault:
            self._fault = fault
            say(f"the runs cannot be looked after: {error if isinstance(error, UserError) else fault}")
            if unexpected:
                _log.error("Looking after the training has failed.", exc_info=error)
        self._fault_pause = min(_LONGEST_PAUSE_SECONDS, max(1.0, 2 * self._fault_pause))
        self._look_at = self._clock() + self._fault_pause
