"""The rows of a run as a person would see them: fields, lines of text, images."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gradviz.experiment.batches import Batch
from gradviz.experiment.row_images import RowImage, images_of
from gradviz.experiment.run import Run
from gradviz.experiment.study_run import StudyRun

Text = dict[str, str] | str | None
"""The fields of a row by their names, or the study's line of text, if it has one."""


@dataclass(frozen=True)
class Shown:
    """Rows of a run: their numbers, and of each its text and its image."""

    rows: Sequence[int]
    texts: Sequence[Text]
    images: Sequence[RowImage | None]


def shown_of_deliveries(run: Run, rows: Sequence[int]) -> Shown:
    """These rows of a run that has a table."""
    return Shown(rows, run.rows().texts(torch.tensor(rows, dtype=torch.int64)), [None] * len(rows))


def shown_of_study(run: StudyRun, rows: Sequence[int], batch: Batch) -> Shown:
    """The rows of a batch under these numbers."""
    return Shown(rows, run.descriptions(batch) or [None] * len(rows), images_of(batch) or [None] * len(rows))
