"""The runs of a report: one set for each seed, trained where they are missing."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradviz.errors import UserError
from gradviz.evidence.roles import BATCHNORM, cast
from gradviz.evidence.selection import check_network
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.replicates import Replicate, replicate_of


@dataclass(frozen=True)
class SeedRuns:
    """The runs of one seed: where they are, and their configurations."""

    seed: int
    root: Path
    configs: tuple[TrainingConfig, ...]

    @property
    def complete(self) -> bool:
        """True if every run has all its epochs: nothing is trained, and nothing needs to be writable."""
        store = RunStore(self.root)
        there = set(store.names())
        return all(config.name in there and _is_whole(store, config) for config in self.configs)

    def replicate(self) -> Replicate | None:
        """The replicate by threads that the batch normalization run still needs; None if it is whole, if the run allows
        none, or if these runs cannot be written to."""
        store = RunStore(self.root)
        runs = store.runs()
        norm = cast(runs).get(BATCHNORM)
        if norm is None or norm.record.num_threads is None or not os.access(self.root, os.W_OK):
            return None
        found = replicate_of(norm, runs)
        there = found.config.name in store.names() and _is_whole(store, found.config)
        return None if there else found


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0,1,2` as numbers; UserError for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) <= 18 for part in parts) or len(set(map(int, parts))) < len(parts):
        raise UserError(f"`--seeds` must be different whole numbers such as 0,1,2, got {text!r}.")
    return tuple(map(int, parts))


def begun_configs(root: Path) -> list[TrainingConfig]:
    """The configurations of the runs in this directory that a report is about: one for each role that a run plays."""
    store = RunStore(root)
    return [run.config for run in cast(store.runs()).values()]


def place_seeds(root: Path, templates: Sequence[TrainingConfig], seeds: Sequence[int]) -> list[SeedRuns]:
    """Where the runs of each seed are: in `root` those of the seed that is there (or the first, if it is empty), in
    `root`/seed-N those of the others."""
    for template in templates:
        check_network(template)
    there = {config.seed for config in begun_configs(root)}
    home = next(iter(there)) if len(there) == 1 else seeds[0] if not there else None
    if home is None:
        raise UserError(f"{root} holds runs of several seeds ({_list(there)}): name another directory with `--runs`.")
    return [
        SeedRuns(
            seed,
            root if seed == home else root / f"seed-{seed}",
            tuple(template.model_copy(update={"seed": seed}) for template in templates),
        )
        for seed in seeds
    ]


def _is_whole(store: RunStore, config: TrainingConfig) -> bool:
    run = store.run(config.name)
    wanted = list(range(config.epochs + 1))
    return (
        not config.differences(run.config)
        and run.epochs()[: len(wanted)] == wanted
        and [line.epoch for line in run.metrics()][: len(wanted)] == wanted
        and run.num_minibatches(2) > 0
    )


def _list(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
