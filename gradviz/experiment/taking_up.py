"""Which configurations a training in the background has: runs that have begun keep theirs, and others join them."""

from collections.abc import Sequence

from gradviz.experiment.config import TrainingConfig
from gradviz.experiment.store import RunStore


def taken_up(store: RunStore, asked: Sequence[TrainingConfig]) -> list[TrainingConfig]:
    """`asked`, with the configuration of what has begun in `store` in place of their own."""
    begun = {name: store.run(name).config for name in store.names()}
    if not begun:
        return list(asked)
    template = next(iter(begun.values()))
    return [begun.get(config.name, template.model_copy(update={"variant": config.name})) for config in asked]
