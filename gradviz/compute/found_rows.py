"""A search in the texts of a run's rows, as a question; its answer is JSON."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from gradviz.compute.question import Question
from gradviz.compute.workbench import Workbench
from gradviz.experiment.batches import num_rows
from gradviz.experiment.names import OfRun
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.request import Atom

FOUND_ROWS_VERSION = 1
"""Part of every key: raise it whenever the same question gets another answer."""

MOST_FOUND = 20

_ROWS_AT_ONCE = 4096


class SoughtRows(OfRun, Atom):
    """Rows by their number or text."""

    text: str = Field(min_length=1, max_length=100, description="a number, or words that a row's text must have")


class FoundRowsQuestion(SoughtRows, Question):
    """The numbers of the first `MOST_FOUND` rows that are found, and of how many."""

    kind: Literal["found_rows"] = "found_rows"

    def key(self, store: RunStore) -> str:
        content = [FOUND_ROWS_VERSION, MOST_FOUND, store.any_run(self.run).stamp(), self.text]
        return hashlib.blake2b(json.dumps([self.kind, *content]).encode(), digest_size=20).hexdigest()

    def answer(self, bench: Workbench) -> bytes:
        rows, num_found = found_rows(bench.store.any_run(self.run), self.text, MOST_FOUND)
        return json.dumps({"rows": rows, "num_found": num_found}, separators=(",", ":")).encode()


def found_rows(run: Run | StudyRun, text: str, most: int) -> tuple[list[int], int]:
    """The numbers of the first `most` rows whose texts have every word of `text`, in any case, and of how many. A row
    whose number is the text comes first.

    Reads the texts of all rows, some at a time: a study's `describe` runs once on each of its minibatches.
    """
    words, number = text.lower().split(), text.strip()
    by_number, by_text, num_found = [], [], 0
    for row, line in _texts(run):
        if str(row) == number:
            by_number.append(row)
        elif _holds(line.lower(), words):
            num_found += 1
            if num_found <= most:
                by_text.append(row)
    return [*by_number, *by_text][:most], len(by_number) + num_found


def _texts(run: Run | StudyRun) -> Iterator[tuple[int, str]]:
    """Each row's number and text."""
    if isinstance(run, Run):
        rows = run.rows()
        for numbers in rows.train_rows.split(_ROWS_AT_ONCE):
            between_tiles()
            yield from zip(numbers.tolist(), (" ".join(each.values()) for each in rows.texts(numbers)), strict=True)
        return
    for index in range(run.num_minibatches()):
        between_tiles()
        batch = run.minibatch(index)
        lines = run.descriptions(batch) or [""] * num_rows(batch)
        yield from zip(run.row_numbers(index), lines, strict=True)


def _holds(line: str, words: Sequence[str]) -> bool:
    return bool(words) and all(word in line for word in words)
