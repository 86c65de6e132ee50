"""`gradviz.record`: the run of a study from the user's own training loop, a checkpoint and a line of metrics an epoch.

The loop waits for a copy of the model's state alone; a thread writes it. A kill leaves each file complete or absent.
Python waits for that thread at its exit, so that the last epoch is on disk.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor, nn

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch
from gradviz.experiment.metrics_table import GrowingTable, MetricsLine, checked_metrics
from gradviz.experiment.model_state import copied_state
from gradviz.experiment.names import is_run_name
from gradviz.experiment.run_directory import MAX_EPOCHS, METRICS_NAME, checkpoint_path
from gradviz.experiment.study import Study
from gradviz.experiment.study_runs import (
    begin_run,
    check_study,
    continued_run,
    cpu_minibatches,
    locked_directory,
    new_record,
)
from gradviz.experiment.tensor_file import write_tensors
from gradviz.experiment.wrappers import unwrapped

_MOST_WAITING = 2  # copies of the model's state in memory, so that a slow disk slows the loop rather than filling it
_log = logging.getLogger(__name__)


class Recorder:
    """A run under way; `record` makes it. `epoch` after each epoch, and `close` (or `with`) at the end."""

    def __init__(self, model: nn.Module, path: Path, held: ExitStack, lines: Sequence[MetricsLine], last: int) -> None:
        self.path = path
        self._model, self._held, self._last = model, held, last
        self._table = GrowingTable(path / METRICS_NAME, lines)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="gradviz-record")
        self._waiting: list[Future[None]] = []

    @property
    def last_epoch(self) -> int:
        """The last epoch that was recorded; 0 is the model before its training."""
        return self._last

    def epoch(self, **metrics: object) -> None:
        """Records the model as it is now, as the next epoch, with any metrics: numbers, or tensors of one number.

        Costs a copy of the model's state, and nothing of the model, its mode, its gradients or any random state is
        changed. Raises UserError if an earlier epoch could not be written.
        """
        if self._last >= MAX_EPOCHS:
            raise UserError(f"A run has at most {MAX_EPOCHS} epochs: record only every so many.")
        line = MetricsLine(self._last + 1, checked_metrics(metrics))
        self._wait(_MOST_WAITING - 1)
        state = copied_state(self._model)
        self._last += 1
        self._waiting.append(self._writer.submit(self._write, line, state))

    def close(self) -> None:
        """Waits until everything is on disk, and lets others record here. Raises UserError if something is not."""
        try:
            self._wait(0)
        finally:
            self._writer.shutdown()
            self._held.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _wait(self, most: int) -> None:
        """Until at most so many epochs wait to be written; the error of the first that could not be."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0].done()):
            self._waiting.pop(0).result()

    def _write(self, line: MetricsLine, state: Mapping[str, Tensor]) -> None:
        try:
            write_tensors(checkpoint_path(self.path, line.epoch), state)
            self._table.add(line)
        except UserError as error:
            # The loop hears of it at its next epoch, if there is one.
            _log.error("Epoch %d of %s is not recorded: %s", line.epoch, self.path, error)
            raise


def record(
    study: Study,
    model: nn.Module,
    directory: Path | str,
    *,
    minibatches: Sequence[Batch] | None = None,
    arguments: Mapping[str, Any] | None = None,
    label: str = "",
    group: str = "",
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    fresh: bool = False,
    after: int | None = None,
) -> Recorder:
    """Begins a run in `directory`, RUNS/NAME: its run.json, its minibatches, and the model as epoch 0.

    `minibatches`: those to look at, by default the study's; `arguments`: those that make this model,
    `study.model(**arguments)`; `label`, `group`, `seed`, `settings`: facts of the run, for the page.
    `fresh` replaces a run that is there; `after` goes on with one after that epoch, and removes later ones.

    Raises UserError, before anything is written, if the study's own model cannot take this model's state, if its loss
    fails on the first minibatch, or if there is a run already; RunLocked if another recorder writes there.
    """
    path = Path(directory).absolute()
    if not is_run_name(path.name):
        raise UserError(
            f"The run's directory must be named by 1 to 64 letters, digits, `_` or `-`, got {shown(repr(path.name))}."
        )
    model = unwrapped(model)
    state = copied_state(model)
    if after is not None and minibatches is not None:
        raise UserError(
            "`minibatches` stay those of the run: leave them out to go on with it `after` one of its epochs."
        )
    batches = None if after is not None else cpu_minibatches(study, minibatches)
    facts = {"label": label, "group": group, "seed": seed, "settings": dict(settings or {})}
    new = new_record(study, path.name, model, arguments or {}, len(batches or "1"), facts)
    check_study(study, new, state, batches)
    with ExitStack() as opening:
        opening.enter_context(locked_directory(path))
        if batches is not None:
            begin_run(path, new, batches, state, fresh=fresh)
        lines, last = ([], 0) if after is None else (continued_run(path, new, after), after)
        return Recorder(model, path, opening.pop_all(), lines, last)
