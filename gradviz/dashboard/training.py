"""What the page says of the training, and what it may do with it."""

from gradviz.compute.trainer_process import TrainerProcess
from gradviz.errors import UserError
from gradviz.settings import Settings

ACTIONS = ("start", "stop", "start_again")


def status_of(trainer: TrainerProcess, settings: Settings) -> dict[str, object]:
    """State, message and progress of every variant, as plain JSON; `polls` says whether to ask again in a second."""
    status = trainer.status()
    return {
        "state": status.state,
        "message": status.message,
        "progress": [{"variant": run.variant, "epoch": run.epoch, "epochs": run.epochs} for run in status.progress],
        "since": status.holder.since if status.holder else None,
        "read_only": settings.read_only,
        "polls": status.state == "running",
    }


def act(values: dict[str, object], trainer: TrainerProcess, settings: Settings) -> None:
    """Does what {"action": ...} asks; UserError if it cannot be asked, or nothing may be changed here."""
    unknown = sorted(set(values) - {"action", "confirm"})
    if unknown:
        raise UserError(f"`{unknown[0][:40]}` is not known: known here are action, confirm.")
    action = values.get("action")
    if action not in ACTIONS:
        raise UserError(f"`action` must be one of {', '.join(ACTIONS)}, got {str(action)[:40]!r}.")
    if settings.read_only:
        raise UserError("This server only shows what is there (GRADVIZ_READ_ONLY): train with `gradviz train`.")
    if action == "start":
        trainer.start()
    elif action == "stop":
        trainer.stop()
    elif values.get("confirm") is not True:
        raise UserError('Starting again deletes all checkpoints: say so with "confirm": true.')
    else:
        trainer.start_again()
