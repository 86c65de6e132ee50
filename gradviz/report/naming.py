"""What the report calls the runs, and their colours in its charts."""

from collections.abc import Sequence

from gradviz.drawing.inks import PALETTES
from gradviz.evidence.gathered import Evidence
from gradviz.experiment.regularizers import rank
from gradviz.experiment.run_record import RunRecord

COLOURS = PALETTES["light"].runs


def label_of(record: RunRecord) -> str:
    return record.title


def colour_of(record: RunRecord) -> str:
    return COLOURS[rank(record.regularizer)]


def labels_of(evidence: Evidence, names: Sequence[str]) -> list[str]:
    """Of the runs of these names."""
    known = {record.name: label_of(record) for record in evidence.runs}
    return [known[name] for name in names]
