"""`gradviz train`."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest, stop_on_signals
from gradviz.experiment.lock import run_lock
from gradviz.experiment.private import make_directory
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.settings import Settings, load_settings

if TYPE_CHECKING:
    from gradviz.experiment.outcome import TrainingOutcome

_NOT_OF_A_REPLICATE = (
    "preset", "data", "derive", "epochs", "rows", "hidden", "norm_placement", "variants", "name", "label", "group",
    "optimizer", "lr", "batch_size", "seed", "background",
)  # fmt: skip
_BACKGROUND_NICENESS = 5  # the page comes first, the training takes the rest


def run(options: argparse.Namespace) -> int:
    """Trains; 0 when finished, 128 + the signal if a signal stopped it."""
    settings = load_settings(runs=options.runs, device=options.device)
    if settings.read_only:
        raise UserError("GRADVIZ_READ_ONLY is set; unset it to train.")
    # Before the lock, through which others find and stop this process, and before imports that take seconds.
    with stop_on_signals() as asked, _lock(options, settings):
        return _train(options, settings, asked)


def _lock(options: argparse.Namespace, settings: Settings) -> contextlib.AbstractContextManager[None]:
    return _in_background(settings.runs) if options.background else contextlib.nullcontext()


@contextlib.contextmanager
def _in_background(runs: Path) -> Iterator[None]:
    """Holds the lock of the directory of runs itself, through which the dashboard finds its trainer."""
    try:
        make_directory(runs)
    except OSError as error:
        raise UserError(
            f"Cannot make {runs} ({error.strerror or error}): set GRADVIZ_RUNS to a writable directory."
        ) from error
    os.nice(_BACKGROUND_NICENESS)
    with run_lock(runs):
        yield


def _train(options: argparse.Namespace, settings: Settings, asked: StopRequest) -> int:
    import torch

    from gradviz.experiment.progress import training_display
    from gradviz.experiment.run_record import OWN_STUDY

    if settings.threads:
        torch.set_num_threads(settings.threads)
    if options.replicate is not None:
        train = _again(options, settings)
    else:
        train = _of_deliveries(options, settings) if options.study == OWN_STUDY else _of_study(options, settings)
    with training_display(sys.stdout) as display:
        outcome = train(
            fresh=options.fresh,
            device=settings.device,
            on_progress=display.on_progress,
            on_message=display.on_message,
            stop=asked,
        )
    number = None if outcome.finished else outcome.signal or asked.signal
    return 128 + number if number else 0


def _of_deliveries(options: argparse.Namespace, settings: Settings) -> Callable[..., "TrainingOutcome"]:
    from gradviz.experiment.studies.deliveries.trainer import train

    configs = _background_configs(options, settings) if options.background else _asked_configs(options, "quick")
    return partial(train, settings.runs, configs)


def _again(options: argparse.Namespace, settings: Settings) -> Callable[..., "TrainingOutcome"]:
    """The training of a replicate by threads, which takes all its other values from the run."""
    import torch

    from gradviz.experiment.store import RunStore
    from gradviz.experiment.studies.deliveries.replicates import replicate_of
    from gradviz.experiment.studies.deliveries.trainer import train

    values = {name: getattr(options, name) for name in _NOT_OF_A_REPLICATE}
    given = [name for name, value in values.items() if value is not None and value is not False]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"`--replicate` trains with the values of the run {options.replicate}: leave out {names}.")
    store = RunStore(settings.runs)
    replicate = replicate_of(store.run(options.replicate), store.runs(), settings.threads or None)
    torch.set_num_threads(replicate.num_threads)
    return partial(train, settings.runs, [replicate.config])


def _of_study(options: argparse.Namespace, settings: Settings) -> Callable[..., "TrainingOutcome"]:
    from gradviz.commands.study_options import trainings_of
    from gradviz.experiment.store import RunStore
    from gradviz.experiment.study_trainer import train_studies

    runs = settings.runs.absolute()
    return partial(train_studies, runs, trainings_of(options, RunStore(runs)))


def _asked_configs(options: argparse.Namespace, preset: str) -> list[TrainingConfig]:
    from gradviz.experiment.studies.deliveries.presets import run_configs

    return run_configs(
        options.preset or preset,
        options.variants or DEFAULT_NAMES,
        name=options.name,
        label=options.label,
        group=options.group,
        data=options.data,
        derive=options.derive,
        epochs=options.epochs,
        rows=options.rows,
        hidden=options.hidden,
        norm_placement=options.norm_placement,
        optimizer=options.optimizer,
        learning_rate=options.lr,
        batch_size=options.batch_size,
        seed=options.seed,
    )


def _background_configs(options: argparse.Namespace, settings: Settings) -> list[TrainingConfig]:
    """Existing runs keep their configuration, and new ones adopt it; a preset with --fresh replaces it."""
    from gradviz.experiment.store import RunStore
    from gradviz.experiment.studies.deliveries.taking_up import taken_up

    asked = _asked_configs(options, settings.preset)
    return asked if options.fresh and options.preset is not None else taken_up(RunStore(settings.runs), asked)
