"""Which configurations a training in the background has: runs that have begun keep theirs, and others join them."""

from collections.abc import Sequence

from gradviz.experiment.config import TrainingConfig
from gradviz.experiment.store import RunStore


def taken_up(store: RunStore, asked: Sequence[TrainingConfig]) -> list[TrainingConfig]:
    """`asked`, with the configuration of what has begun in `store` in place of their own."""
    begun = {variant: store.run(variant).config for variant in store.variants()}
    if not begun:
        return list(asked)
    template = next(iter(begun.values()))
    return [begun.get(config.variant, template.model_copy(update={"variant": config.variant})) for config in asked]
