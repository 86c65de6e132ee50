"""The trainer: trains the runs of a directory side by side, saves every epoch, and can be killed at any moment."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

from gradviz.errors import UserError
from gradviz.experiment.batches import num_steps
from gradviz.experiment.cpu_threads import cpu_threads
from gradviz.experiment.device import resolve_device
from gradviz.experiment.interruption import Stopped, StopRequest, stop_on_signals
from gradviz.experiment.lock import run_lock
from gradviz.experiment.outcome import OnMessage, TrainingOutcome, TrainingProgress, outcome_of
from gradviz.experiment.private import make_directory
from gradviz.experiment.regularizers import rank
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics
from gradviz.experiment.studies.deliveries.opening import OpenRun, check_same_run, continue_run, create_run, is_begun
from gradviz.experiment.studies.deliveries.prepare import PreparedRows, prepare_rows
from gradviz.experiment.studies.deliveries.run_files import write_epoch
from gradviz.experiment.studies.deliveries.training import EpochResult, train_epochs


def train(
    store_root: Path | str,
    configs: Sequence[TrainingConfig],
    *,
    fresh: bool = False,
    device: str = "auto",
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
    on_message: OnMessage = lambda message: None,
    stop: StopRequest | None = None,
) -> TrainingOutcome:
    """Trains one run per configuration, epoch by epoch in turn, and continues existing ones.

    Holds the lock of every run meanwhile; SIGTERM, SIGINT or `stop` end it after the current step. It checks everything
    it can before any change. Raises RunLocked if another trainer holds a run; UserError for another configuration in
    the same place (unless `fresh`, which replaces it), an unusable table, an unavailable device, a full disk (which
    loses the current epoch), a loss that is not finite.
    """
    root, chosen = Path(store_root), resolve_device(device)
    configs = sorted(configs, key=lambda config: (rank(config.regularizer), config.name))
    if not configs or len({config.name for config in configs}) < len(configs):
        raise UserError("`configs` must have at least one run, and each name only once.")
    with ExitStack() as stack:
        asked = stack.enter_context(stop_on_signals())
        for config in configs:
            stack.enter_context(run_lock(_directory(root, config)))
        runs, recognised = _open_runs(root, configs, fresh, on_message)
        session = _Session(runs, on_progress, (asked, stop or asked))
        outcome = outcome_of(lambda: session.train(chosen), asked, chosen, on_message)
    if outcome.finished and recognised:
        on_message(recognised)
    return outcome


def _directory(root: Path, config: TrainingConfig) -> Path:
    directory = root / config.name
    try:
        make_directory(directory)
    except OSError as error:
        raise UserError(
            f"{directory} cannot be made ({error.strerror or error}): give `--runs` a writable directory."
        ) from error
    return directory


def _open_runs(
    root: Path, configs: Sequence[TrainingConfig], fresh: bool, on_message: OnMessage
) -> tuple[list[OpenRun], str]:
    """The runs, and the recognised form of the table if it was read."""
    if not fresh:
        for config in configs:
            check_same_run(root / config.name, config)

    # Runs with the same seed and table have the same rows.
    prepared: dict[tuple[object, ...], PreparedRows] = {}

    def rows_of(config: TrainingConfig) -> PreparedRows:
        key = (config.seed, config.rows, config.data, config.derive)
        if key not in prepared:
            prepared[key] = prepare_rows(config)
            on_message(prepared[key].summary())
            if prepared[key].recognised:
                on_message(prepared[key].recognised)
        return prepared[key]

    new = [config for config in configs if fresh or not is_begun(root / config.name, config)]
    for config in new:
        rows_of(config)
    runs = [
        create_run(root / config.name, config, rows_of(config))
        if config in new
        else continue_run(root / config.name, config, lambda config=config: rows_of(config), on_message)
        for config in configs
    ]
    return runs, next((one.recognised for one in prepared.values()), "")


@dataclass
class _Training:
    """One run in training."""

    run: OpenRun
    epochs: Iterator[EpochResult]
    metrics: list[EpochMetrics]
    next_epoch: int
    steps: int

    @property
    def steps_left(self) -> int:
        return self.steps * (self.run.config.epochs - max(self.next_epoch, 1) + 1)


@dataclass
class _Session:
    """Trains the runs in turn: always the one furthest behind."""

    runs: Sequence[OpenRun]
    on_progress: Callable[[TrainingProgress], None]
    stops: Sequence[StopRequest]
    _trainings: list[_Training] = field(default_factory=list)
    _num_steps: int = 0
    _start: float = 0.0

    def train(self, device: torch.device) -> None:
        self._trainings = [self._begin(run, device) for run in self.runs if not run.finished]
        self._start = time.perf_counter()
        while self._trainings:
            self._check_stop()
            training = min(self._trainings, key=lambda training: training.next_epoch)
            with cpu_threads(training.run.num_threads):
                result = next(training.epochs)
            training.metrics.append(result.metrics)
            write_epoch(training.run.directory, result, training.metrics)
            training.next_epoch = result.metrics.epoch + 1
            self._report_saved(training, result.metrics)
            if training.next_epoch > training.run.config.epochs:
                self._trainings.remove(training)

    def _begin(self, run: OpenRun, device: torch.device) -> _Training:
        trained = run.trained
        training = _Training(
            run,
            iter(()),
            list(trained.metrics) if trained else [],
            run.next_epoch,
            num_steps(run.config.batch_size, run.rows.num_train),
        )
        epoch_start = time.perf_counter()

        def on_step(step: int, steps: int, loss: float) -> None:
            nonlocal epoch_start
            if step == 1:
                epoch_start = time.perf_counter()
            self._num_steps += 1
            self._check_stop()
            seconds = time.perf_counter() - epoch_start
            rate = (step - 1) * run.config.batch_size / seconds if step > 1 else 0.0
            self._report(training, training.next_epoch, step, loss, rate, training.steps_left - step, saved=False)

        resume = (trained.state, trained.resume) if trained else None
        training.epochs = train_epochs(run.config, run.rows, device=device, resume=resume, on_step=on_step)
        return training

    def _check_stop(self) -> None:
        if any(stop.asked for stop in self.stops):
            raise Stopped

    def _report_saved(self, training: _Training, metrics: EpochMetrics) -> None:
        rate = training.steps * training.run.config.batch_size / max(metrics.wall_seconds, 1e-3)
        self._report(
            training,
            metrics.epoch,
            training.steps,
            metrics.train_loss,
            rate if metrics.epoch else 0.0,
            training.steps_left,
            saved=True,
        )

    def _report(
        self, training: _Training, epoch: int, step: int, loss: float, rate: float, steps_left: int, *, saved: bool
    ) -> None:
        others = sum(other.steps_left for other in self._trainings if other is not training)
        seconds_per_step = (time.perf_counter() - self._start) / self._num_steps if self._num_steps else None
        self.on_progress(
            TrainingProgress(
                run=training.run.config.name,
                epoch=epoch,
                epochs=training.run.config.epochs,
                step=step,
                steps=training.steps,
                train_loss=loss,
                test_r2=training.metrics[-1].test_r2 if training.metrics else None,
                rows_per_second=rate,
                seconds_left=None if seconds_per_step is None else seconds_per_step * (steps_left + others),
                saved=saved,
            )
        )
