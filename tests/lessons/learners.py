"""Small runs that learn: their losses fall far enough, and their signs come near enough to balance, that every lesson
can be shown on them."""

from pathlib import Path

from gradviz.experiment.optimizers import Adam
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train


def learners(path: Path) -> Path:
    """Runs of all three variants under `path`; takes a few seconds."""
    path.mkdir()
    train(
        path, run_configs(epochs=8, rows=1600, hidden=(200, 100, 40), optimizer=Adam(learning_rate=1e-3)), device="cpu"
    )
    return path
