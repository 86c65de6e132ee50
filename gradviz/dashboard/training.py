"""Status of the training for the page, and the commands that the page may give."""

from gradviz.compute.trainer import Trainer, TrainerStatus
from gradviz.dashboard.discretion import Discretion
from gradviz.dashboard.query import TrainingAction
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

_NOTHING_TRAINS = "Nothing is trained here: the runs of this directory are recorded by other programs."


def status_of(trainer: Trainer, settings: Settings, store: RunStore) -> dict[str, object]:
    """State, message and progress of every run, as plain JSON; `polls` says whether to ask again in a second.

    `trains`: whether the training may be started and stopped here. Recorded runs are told as far as they are.
    """
    status = trainer.status()
    trains = _trains(status, trainer)
    trained = [(run.name, run.epoch, run.epochs, False) for run in status.progress]
    known = {run.name for run in status.progress}
    others = [run for run in store.study_runs() if run.name not in known]
    recorded = [(run.name, max(run.epochs(), default=None), run.planned_epochs, True) for run in others]
    return {
        "state": status.state,
        "message": Discretion.of(settings).told(status.message) if trains else _NOTHING_TRAINS,
        "progress": [
            {"run": run, "variant": run, "epoch": epoch, "epochs": epochs, "recorded": is_recorded}
            for run, epoch, epochs, is_recorded in [*trained, *recorded]
        ],
        "trains": trains,
        "since": status.holder.since if status.holder else None,
        "read_only": settings.read_only,
        "polls": status.state in ("running", "stopping"),
    }


def _trains(status: TrainerStatus, trainer: Trainer) -> bool:
    return status.state in ("running", "stopping") or trainer.trains()


def act(asked: TrainingAction, trainer: Trainer, settings: Settings, store: RunStore) -> None:
    """Executes the command; UserError if the server is read-only, nothing trains here, or a deletion is not confirmed.

    Any run can be deleted, unless it is being trained or recorded.
    """
    if settings.read_only:
        raise UserError("This server is read-only; unset GRADVIZ_READ_ONLY to train.")
    if asked.action in ("start_again", "delete") and not asked.confirm:
        raise UserError(f'`{asked.action}` deletes checkpoints; confirm with "confirm": true.')
    if asked.action == "delete" and asked.run is None:
        raise UserError("`delete` needs the run to delete: name it with `run`.")
    if asked.action != "delete" and not _trains(trainer.status(), trainer):
        raise UserError(f"{_NOTHING_TRAINS} `gradviz train` trains in another directory.")
    if asked.action == "start":
        trainer.start()
    elif asked.action == "stop":
        trainer.stop()
    elif asked.action == "start_again":
        trainer.start_again()
    elif asked.run is not None:
        trainer.delete(asked.run)
