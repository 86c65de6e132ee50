"""What there is to measure: the runs, the checkpoint of each that is drawn, and the figures that they allow."""

from collections.abc import Mapping
from dataclasses import dataclass

from gradviz.evidence.scenes import SceneSpec, scenes_of
from gradviz.evidence.selection import drawn_epoch
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore


@dataclass(frozen=True)
class Studied:
    """`mid_epochs` and `last_epochs`: the drawn checkpoint of mid-training, and the last measured epoch, by run."""

    runs: Mapping[str, Run]
    mid_epochs: Mapping[str, int]
    last_epochs: Mapping[str, int]
    scenes: tuple[SceneSpec, ...]

    @classmethod
    def of(cls, store: RunStore) -> "Studied":
        """As the store is now."""
        runs = {name: store.run(name) for name in store.names()}
        metrics = {name: run.metrics() for name, run in runs.items()}
        mid_epochs = {name: drawn_epoch(lines) for name, lines in metrics.items() if lines}
        last_epochs = {name: lines[-1].epoch for name, lines in metrics.items() if lines}
        return cls(runs, mid_epochs, last_epochs, tuple(scenes_of(mid_epochs, last_epochs)))
