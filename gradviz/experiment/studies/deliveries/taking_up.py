"""The configurations of a background training: existing runs keep theirs, and new ones adopt it."""

from collections.abc import Collection, Sequence

from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig


def taken_up(store: RunStore, asked: Sequence[TrainingConfig]) -> list[TrainingConfig]:
    """`asked`, with the configurations of existing runs in `store` instead of their own, plus all existing runs with
    a chosen name."""
    begun = {run.name: run.config for run in store.runs()}
    wanted = wanted_names(begun, [config.name for config in asked])
    usual = [config for name, config in begun.items() if name in DEFAULT_NAMES]
    joining = {config.name: joined(usual[0], config) if usual else config for config in asked}
    return [begun.get(name) or joining[name] for name in wanted]


def wanted_names(begun: Collection[str], usual: Sequence[str]) -> list[str]:
    """The runs of a background training: the `usual` ones, and all that have `begun` under another name.

    If only others have begun, the usual ones are not wanted.
    """
    others = [name for name in begun if name not in DEFAULT_NAMES]
    return others if others and len(others) == len(begun) else [*usual, *others]


def joined(template: TrainingConfig, config: TrainingConfig) -> TrainingConfig:
    """The values of `template` with the name, label, group and regularizer of `config`."""
    own = {"name": config.name, "label": config.label, "group": config.group, "regularizer": config.regularizer}
    return template.model_copy(update=own)
