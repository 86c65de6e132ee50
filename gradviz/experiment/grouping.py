"""The one rule of which runs belong together: seeds of one configuration, and what to call them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study_record import Plain, StudyRecord

Config = TrainingConfig | StudyRecord
_NOT_IDENTITY = frozenset({"epochs", "threads", "seed"})
"""Settings of a study's run in which seeds of one configuration may differ."""


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one configuration, each with another seed; `label`: its name for people, another one for each group."""

    label: str
    configs: tuple[Config, ...]


def seed_groups(configs: Iterable[Config]) -> list[SeedGroup]:
    """The groups of two or more seeds, in the order of their first runs.

    Runs belong together if they differ in the seed alone (and in their names, labels and numbers of epochs) and
    `run.json` gives them the same `group`. Of runs that share the seed too, which are one training twice, the first
    counts. A run without a seed belongs to none.
    """
    alike: dict[str, dict[int, Config]] = {}
    for config in configs:
        if config.seed is not None:
            alike.setdefault(_apart(config), {}).setdefault(config.seed, config)
    groups = [tuple(by_seed.values()) for by_seed in alike.values() if len(by_seed) > 1]
    labels = _labels([group[0] for group in groups])
    return [SeedGroup(label, group) for label, group in zip(labels, groups, strict=True)]


def _apart(config: Config) -> str:
    """What runs of one group share."""
    if isinstance(config, TrainingConfig):
        return f"{config.group} {sorted((config.identity() | {'seed': 0}).items())}"
    settings = {key: value for key, value in config.settings.items() if key not in _NOT_IDENTITY}
    return f"{config.group} {config.study} {sorted(config.arguments.items())} {sorted(settings.items())}"


def _short(first: Config) -> str:
    if first.group:
        return first.group
    if isinstance(first, TrainingConfig):
        return f"{first.regularizer.label}, {first.optimizer.torch_name}"
    return ", ".join([first.study, *_words(first.arguments)])


def _full(first: Config) -> str:
    named = f"{first.group}: " if first.group else ""
    if isinstance(first, TrainingConfig):
        return f"{named}{first.regularizer.label}, {first.optimizer.label}"
    return named + ", ".join([first.study, *_words(first.arguments), *_words(first.settings)])


def _words(values: Mapping[str, Plain]) -> list[str]:
    return [f"{name} {value}" for name, value in values.items() if name not in _NOT_IDENTITY]


def _unmistakable(first: Config) -> str:
    return f"{_full(first)}, as {first.name}"


_FORMS: tuple[Callable[[Config], str], ...] = (_short, _full, _unmistakable)


def _labels(firsts: Sequence[Config]) -> list[str]:
    """The shortest form in which all groups have different names; names of runs differ, so there is one."""
    told = ([form(first) for first in firsts] for form in _FORMS)
    return next(labels for labels in told if len(set(labels)) == len(labels))
