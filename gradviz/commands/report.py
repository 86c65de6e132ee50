"""`gradviz report`."""

import argparse
import os
import signal
import sys
from pathlib import Path

from gradviz.commands.output import output_directory
from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest, stop_on_signals
from gradviz.settings import Settings, load_settings

_MINIBATCH_SIZE = 64
_ABOUT_RUNS = ("preset", "data", "derive", "epochs", "rows", "hidden", "norm_placement")


def run(options: argparse.Namespace) -> int:
    """Trains missing runs, measures and writes; 0 when finished, 128 + the signal if a signal stopped the training."""
    settings = load_settings(runs=options.runs, device=options.device)
    output_directory(options.out)
    with stop_on_signals() as asked:
        import torch

        from gradviz.experiment.cpu_threads import cpu_threads
        from gradviz.report.seeds import parse_seeds

        if settings.threads:
            torch.set_num_threads(settings.threads)
        places = _places(options, settings, parse_seeds(options.seeds))
        _check_rows(places)
        directory = _directory(options.out)
        for place in places:
            status = 0 if place.complete else _train(place, place.configs, settings, asked)
            replicate = None if status or options.no_replicates else place.replicate()
            if replicate is not None:
                with cpu_threads(replicate.num_threads):
                    status = _train(place, [replicate.config], settings, asked)
            if status:
                return status
    _check_rows(places)
    return _write(directory, places, settings)


def _train(place, configs, settings: Settings, asked: StopRequest) -> int:
    """0 when finished, 128 + the signal that stopped it."""
    from gradviz.experiment.progress import training_display
    from gradviz.experiment.studies.deliveries.trainer import train

    with training_display(sys.stdout) as display:
        outcome = train(
            place.root,
            configs,
            device=settings.device,
            on_progress=display.on_progress,
            on_message=lambda text: display.on_message(f"seed {place.seed}: {text}"),
            stop=asked,
        )
    return 0 if outcome.finished else 128 + (outcome.signal or asked.signal or signal.SIGTERM)


def _check_rows(places) -> None:
    """Raises UserError for runs with fewer training rows than a minibatch of the report."""
    from gradviz.experiment.store import RunStore
    from gradviz.report.seeds import begun_configs

    for place in places:
        store = RunStore(place.root)
        for config in begun_configs(place.root):
            name = config.name
            rows = store.run(name).record.rows_train
            if rows < _MINIBATCH_SIZE:
                raise UserError(
                    f"A report needs minibatches of {_MINIBATCH_SIZE} training rows, and {name} has {rows}: "
                    "train on a table of at least 80 usable rows."
                )


def _write(directory: Path, places, settings: Settings) -> int:
    from gradviz.compute.cache import FieldCache
    from gradviz.compute.local import LocalCompute
    from gradviz.compute.paths_evidence import kept_paths
    from gradviz.evidence.claims import CLAIMS
    from gradviz.experiment.store import RunStore
    from gradviz.report.measuring import Measuring
    from gradviz.report.writing import NAME, write_report

    def say(message: str) -> None:
        print(message, flush=True)

    with FieldCache(settings.cache_dir, settings.cache_bytes) as cache:
        stores = [RunStore(place.root) for place in places]
        seeds = [
            Measuring(
                LocalCompute(store, cache, device=settings.device),
                say,
                kept_paths(store, settings.cache_dir, settings.device),
            )
            for store in stores
        ]
        findings = write_report(directory, seeds, say)
    for claim, summary in zip(CLAIMS, findings.summary, strict=True):
        again = f"; with other CPU threads: {', '.join(summary.there)}" if summary.there else ""
        print(f"{claim.question:<62} {', '.join(summary.kinds)}{again}")
    print(f"{directory / NAME}.html, {NAME}.md and {NAME}.json")
    return 0


def _directory(text: str) -> Path:
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"Cannot make `--out` {text} ({reason}): name another directory.") from error
    if not os.access(path, os.W_OK):
        raise UserError(f"`--out` {text} is not writable: name another directory.")
    return path


def _places(options: argparse.Namespace, settings: Settings, seeds: tuple[int, ...]):
    """Existing runs keep their configuration unless the options give another; missing variants join them."""
    from gradviz.evidence.roles import role_of
    from gradviz.experiment.studies.deliveries.presets import run_configs
    from gradviz.experiment.studies.deliveries.taking_up import joined
    from gradviz.report.seeds import begun_configs, place_seeds

    asked = {name: getattr(options, name) for name in _ABOUT_RUNS}
    begun = begun_configs(settings.runs)
    if begun and not any(value is not None for value in asked.values()):
        known = {role_of(config): config for config in begun}
        templates = [known.get(role_of(config)) or joined(begun[0], config) for config in run_configs()]
    else:
        preset = asked.pop("preset") or "quick"
        templates = run_configs(preset, **asked)
    return place_seeds(settings.runs, templates, seeds)
