"""The colours of runs: that of the regularizer if it is free, so that the usual runs always have the same."""

from collections.abc import Mapping, Sequence

from gradviz.drawing.choices import Scheme
from gradviz.drawing.inks import PALETTES
from gradviz.experiment.regularizers import rank
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study_record import StudyRecord


def run_colours(configs: Sequence[TrainingConfig | StudyRecord]) -> dict[str, Mapping[Scheme, str]]:
    """By name, a colour for each scheme; colours repeat if there are more runs than colours."""
    most = min(len(palette.runs) for palette in PALETTES.values())
    slots: dict[str, int] = {}
    for config in sorted(configs, key=lambda config: not _is_usual(config)):
        free = [slot for slot in range(most) if slot not in slots.values()]
        wanted = rank(config.regularizer) if isinstance(config, TrainingConfig) else None
        slots[config.name] = wanted if wanted in free else free[0] if free else len(slots) % most
    return {name: {scheme: palette.runs[slot] for scheme, palette in PALETTES.items()} for name, slot in slots.items()}


def _is_usual(config: TrainingConfig | StudyRecord) -> bool:
    return isinstance(config, TrainingConfig) and config.name == config.regularizer.run_name
