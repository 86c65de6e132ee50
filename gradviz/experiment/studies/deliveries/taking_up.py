"""The configurations of a background training: existing runs keep theirs, and new ones adopt it."""

from collections.abc import Sequence

from gradviz.experiment.names import wanted_names
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig


def taken_up(store: RunStore, asked: Sequence[TrainingConfig]) -> list[TrainingConfig]:
    """`asked`, with the configurations of existing runs in `store` instead of their own, plus all existing runs with
    a chosen name."""
    begun = {run.name: run.config for run in store.runs()}
    wanted = wanted_names(begun, [config.name for config in asked], DEFAULT_NAMES)
    usual = [config for name, config in begun.items() if name in DEFAULT_NAMES]
    joining = {config.name: joined(usual[0], config) if usual else config for config in asked}
    return [begun.get(name) or joining[name] for name in wanted]


def joined(template: TrainingConfig, config: TrainingConfig) -> TrainingConfig:
    """The values of `template` with the name, label, group and regularizer of `config`."""
    own = {"name": config.name, "label": config.label, "group": config.group, "regularizer": config.regularizer}
    return template.model_copy(update=own)
