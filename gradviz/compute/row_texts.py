"""The rows of a run as a person would see them: fields, lines of text, images; and a search in their texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gradviz.experiment.batches import Batch, num_rows
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


def found_rows(run: Run | StudyRun, text: str, most: int) -> tuple[list[int], int]:
    """The numbers of the first `most` rows whose texts have every word of `text`, in any case, and of how many. A row
    whose number is the text comes first."""
    words = text.lower().split()
    if isinstance(run, Run):
        numbers = run.rows().train_rows.tolist()
        lines = [" ".join(fields.values()) for fields in run.rows().texts(run.rows().train_rows)]
    else:
        lines = [line for batch in run.minibatches() for line in run.descriptions(batch) or [""] * num_rows(batch)]
        numbers = list(range(len(lines)))
    by_text = [
        number
        for number, line in zip(numbers, lines, strict=True)
        if str(number) != text.strip() and _holds(line.lower(), words)
    ]
    by_number = [number for number in numbers if str(number) == text.strip()]
    return [*by_number, *by_text][:most], len(by_number) + len(by_text)


def _holds(line: str, words: Sequence[str]) -> bool:
    return bool(words) and all(word in line for word in words)
