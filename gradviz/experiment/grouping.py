"""The one rule of which runs belong together: seeds of one configuration, and what to call them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gradviz.experiment.studies.deliveries.config import TrainingConfig


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one configuration, each with another seed; `label`: its name for people, another one for each group."""

    label: str
    configs: tuple[TrainingConfig, ...]


def seed_groups(configs: Iterable[TrainingConfig]) -> list[SeedGroup]:
    """The groups of two or more seeds, in the order of their first runs.

    Runs belong together if they differ in the seed alone (and in their names, labels and numbers of epochs) and
    `run.json` gives them the same `group`. Of runs that share the seed too, which are one training twice, the first
    counts.
    """
    alike: dict[str, dict[int, TrainingConfig]] = {}
    for config in configs:
        apart = f"{config.group} {sorted((config.identity() | {'seed': 0}).items())}"
        alike.setdefault(apart, {}).setdefault(config.seed, config)
    groups = [tuple(by_seed.values()) for by_seed in alike.values() if len(by_seed) > 1]
    labels = _labels([group[0] for group in groups])
    return [SeedGroup(label, group) for label, group in zip(labels, groups, strict=True)]


def _short(first: TrainingConfig) -> str:
    return first.group or f"{first.regularizer.label}, {first.optimizer.torch_name}"


def _full(first: TrainingConfig) -> str:
    named = f"{first.group}: " if first.group else ""
    return f"{named}{first.regularizer.label}, {first.optimizer.label}"


def _unmistakable(first: TrainingConfig) -> str:
    return f"{_full(first)}, as {first.name}"


_FORMS: tuple[Callable[[TrainingConfig], str], ...] = (_short, _full, _unmistakable)


def _labels(firsts: Sequence[TrainingConfig]) -> list[str]:
    """The shortest form in which all groups have different names; names of runs differ, so there is one."""
    told = ([form(first) for first in firsts] for form in _FORMS)
    return next(labels for labels in told if len(set(labels)) == len(labels))
