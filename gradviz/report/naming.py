"""What the report calls the runs, and their colours in its charts."""

from collections.abc import Sequence

from gradviz.drawing.inks import PALETTES, VARIANT_LABELS
from gradviz.evidence.measurements import Evidence
from gradviz.experiment.run_record import RunRecord

COLOURS = tuple(PALETTES["light"].variants.values())


def label_of(record: RunRecord) -> str:
    return VARIANT_LABELS[record.name]


def colour_of(record: RunRecord) -> str:
    return PALETTES["light"].variants[record.name]


def labels_of(evidence: Evidence, names: Sequence[str]) -> list[str]:
    """Of the runs of these names."""
    known = {record.name: label_of(record) for record in evidence.runs}
    return [known[name] for name in names]
