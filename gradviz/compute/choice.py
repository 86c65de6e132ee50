"""Opens what computes, trains and takes paths as the settings choose: on this machine, or in workers of a broker.

It imports Celery and redis only if they are chosen, so that local computing never waits for them.
"""

import importlib
from collections.abc import Callable, Collection

from gradviz.compute.background import background_of
from gradviz.compute.cache import FieldCache
from gradviz.compute.interface import Compute, Load
from gradviz.compute.local import LocalCompute
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.compute.paths_process import PathsProcess
from gradviz.compute.trainer import Trainer
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import load_study
from gradviz.settings import Settings


def open_store(settings: Settings, only: Collection[str] = ()) -> RunStore:
    """The runs, or `only` some of them, with the study of the settings loaded; UserError if its code fails."""
    return RunStore(settings.runs, load_study(settings.study) if settings.study else None, only)


def open_compute(
    settings: Settings, store: RunStore, cache: FieldCache, *, on_load: Callable[[Load], None] = lambda load: None
) -> Compute:
    """UserError if the settings' broker may not be used. `on_load` gets the number of waiting computations here."""
    if settings.compute == "celery":
        return importlib.import_module("gradviz.compute.celery.client").CeleryCompute(store, cache, settings)
    return LocalCompute(
        store,
        cache,
        device=settings.device,
        threads=settings.threads,
        queue_limit=settings.queue_limit,
        task_seconds=settings.task_seconds,
        memory_bytes=settings.memory_bytes,
        on_load=on_load,
    )


def open_paths(settings: Settings, store: RunStore) -> PathsJobs:
    """UserError if the settings' broker may not be used."""
    if settings.compute == "celery":
        return PathsJobs(settings, store, importlib.import_module("gradviz.compute.celery.paths").CeleryPaths(settings))
    return PathsJobs(settings, store, PathsProcess(settings))


def open_trainer(settings: Settings) -> Trainer:
    """UserError if the settings' broker may not be used."""
    if settings.compute == "celery":
        return importlib.import_module("gradviz.compute.celery.training").CeleryTrainer(settings)
    return TrainerProcess(settings.runs, background_of(settings))
