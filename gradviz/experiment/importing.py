"""Makes a run of a study from checkpoints that another program saved."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradviz.errors import UserError, shown
from gradviz.experiment import asking
from gradviz.experiment.foreign_state import read_state
from gradviz.experiment.matching import fit
from gradviz.experiment.model_state import copied_state
from gradviz.experiment.names import is_run_name
from gradviz.experiment.run_directory import MAX_EPOCHS, checkpoint_path
from gradviz.experiment.study import Study
from gradviz.experiment.study_runs import begin_run, check_study, cpu_minibatches, locked_directory, new_record
from gradviz.experiment.tensor_file import write_tensors


def import_run(
    study: Study,
    root: Path,
    name: str,
    checkpoints: Sequence[Path],
    *,
    prefix: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    label: str = "",
    fresh: bool = False,
    on_message: Callable[[str], None] = lambda message: None,
) -> None:
    """Writes the run `root`/`name` with these checkpoints as its epochs 0, 1, …, and the study's minibatches.

    `prefix`: what stands before the names of the model's tensors; None finds the usual ones. Every checkpoint is read
    and fitted to the study's model before anything is written. UserError names the first that does not fit.
    """
    path = root / name
    if not is_run_name(name):
        raise UserError(f"`run` must have 1 to 64 letters, digits, `_` or `-`, got {shown(repr(name))}.")
    if not 1 <= len(checkpoints) <= MAX_EPOCHS + 1:
        raise UserError(f"Name 1 to {MAX_EPOCHS + 1} checkpoints, got {len(checkpoints)}.")
    batches = cpu_minibatches(study, None)
    model = asking.made_model(study, arguments)
    facts = {"label": label, "settings": {"imported": True}}
    record = new_record(study, name, model, arguments or {}, len(batches), facts)
    for epoch, checkpoint in enumerate(checkpoints):
        notes = fit(model, read_state(checkpoint), checkpoint, prefix)
        if epoch == 0:
            check_study(study, record, copied_state(model), batches)
        on_message(f"epoch {epoch}: {'; '.join((str(checkpoint), *notes))}")
    with locked_directory(path):
        for epoch, checkpoint in enumerate(checkpoints):
            fit(model, read_state(checkpoint), checkpoint, prefix)
            state = copied_state(model)
            if epoch == 0:
                begin_run(path, record, batches, state, fresh=fresh)
            else:
                write_tensors(checkpoint_path(path, epoch), state)
