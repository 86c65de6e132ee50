"""Status of the training for the page, and the commands that the page may give."""

from gradviz.compute.trainer import Trainer
from gradviz.dashboard.discretion import Discretion
from gradviz.dashboard.query import TrainingAction
from gradviz.errors import UserError
from gradviz.settings import Settings


def status_of(trainer: Trainer, settings: Settings) -> dict[str, object]:
    """State, message and progress of every run, as plain JSON; `polls` says whether to ask again in a second."""
    status = trainer.status()
    return {
        "state": status.state,
        "message": Discretion.of(settings).told(status.message),
        "progress": [
            {"run": run.name, "variant": run.name, "epoch": run.epoch, "epochs": run.epochs} for run in status.progress
        ],
        "since": status.holder.since if status.holder else None,
        "read_only": settings.read_only,
        "polls": status.state in ("running", "stopping"),
    }


def act(asked: TrainingAction, trainer: Trainer, settings: Settings) -> None:
    """Executes the command; UserError if the server is read-only, or if a deletion is not confirmed."""
    if settings.read_only:
        raise UserError("This server is read-only; unset GRADVIZ_READ_ONLY to train.")
    if asked.action in ("start_again", "delete") and not asked.confirm:
        raise UserError(f'`{asked.action}` deletes checkpoints; confirm with "confirm": true.')
    if asked.action == "delete" and asked.run is None:
        raise UserError("`delete` needs the run to delete: name it with `run`.")
    if asked.action == "start":
        trainer.start()
    elif asked.action == "stop":
        trainer.stop()
    elif asked.action == "start_again":
        trainer.start_again()
    elif asked.run is not None:
        trainer.delete(asked.run)
