"""The background training of a server: started or adopted, started again when it dies, stopped with the server."""

from gradviz.commands.running_on import say
from gradviz.compute.choice import open_trainer
from gradviz.compute.interface import Unavailable
from gradviz.compute.trainer import TrainerStatus
from gradviz.errors import UserError
from gradviz.settings import Settings

_MAX_RESTARTS = 3


class SupervisedTraining:
    """One for the life of a supervisor. `starts`: whether it begins a training, and begins it again."""

    def __init__(self, settings: Settings, *, starts: bool) -> None:
        self._trainer = open_trainer(settings)
        self._starts = starts
        self._restarts = 0
        self._was_running = False
        self._failure_said = False
        self._begun = not starts
        self.watch()

    def watch(self) -> None:
        """Looks after the trainer; call it now and then. A failure is said once."""
        try:
            status = self._trainer.status()
        except Unavailable:
            return  # workers elsewhere train on; the next call asks again
        if not self._begun:
            self._begun = True
            if status.state not in ("running", "finished"):
                self._start()
                status = self._trainer.status()
        if status.state == "failed" and not self._failure_said:
            self._failure_said = True
            say(f"the training has failed: {status.message}")
            if self._starts and not status.refused:
                self._start_again()
        if status.state == "finished" and self._was_running:
            say("all runs are trained.")
        if status.state == "running":
            self._failure_said = False
        self._was_running = status.state == "running"

    def stop(self) -> TrainerStatus:
        """Ends the background trainer, whoever started it; one in a terminal goes on."""
        return self._trainer.stop(background_only=True)

    def _start_again(self) -> None:
        if self._restarts == _MAX_RESTARTS:
            say("it has failed too often and is not started again.")
            return
        self._restarts += 1
        say("it is started again from the last saved epoch.")
        self._start()

    def _start(self) -> None:
        self._failure_said = False
        try:
            self._trainer.start()
        except UserError as error:
            say(f"the training cannot be started: {error}")
