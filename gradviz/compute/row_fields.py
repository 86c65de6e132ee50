"""The fields of a minibatch's rows as a question; its answer is a JSON header and float32 arrays."""

from typing import Literal

from gradviz.compute.directions import direction_sources
from gradviz.compute.estimate import landscape_passes
from gradviz.compute.question import Question, address_of
from gradviz.compute.study_landscape import REPLAY_VERSION, row_numbers
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape.composed import RowNumbers
from gradviz.landscape.per_row.fields import check_numbers
from gradviz.landscape.per_row.packing import packed
from gradviz.landscape.request import LandscapeRequest

# Shape suffixes: B = rows of the minibatch, X/Y = grid columns/rows.

ROW_FIELDS_VERSION = 2
"""Part of every key: raise it whenever the same question gets different numbers."""

MAX_ANSWER_NUMBERS = 6 * 2**20
"""Of u and v in one answer: 24 MiB."""

_PASSES = 3.0  # of the minibatch's field, mostly; a backward pass for each row takes more


class RowFieldsQuestion(Question):
    """u and v of each row of the request's minibatch, or `of` other rows of the run, on the grid: a header as `packed`
    writes it, and u_BYX and v_BYX."""

    kind: Literal["row-fields"] = "row-fields"
    request: LandscapeRequest
    of: RowNumbers | None = None

    def key(self, store: RunStore) -> str:
        made_from = direction_sources(store, self.request)
        versions = ROW_FIELDS_VERSION, REPLAY_VERSION
        return address_of(self, store, self.request.run, self.request.epoch, *versions, *made_from)

    def passes(self, store: RunStore) -> float:
        asked = self.request if self.of is None else self.request.of_rows(self.of)
        return _PASSES * landscape_passes(store, asked)

    def answer(self, bench: Workbench) -> bytes:
        asked = self.request
        rows = self.of or row_numbers(bench.store.any_run(asked.run), asked)
        check_numbers(len(rows), asked.points, MAX_ANSWER_NUMBERS, each=2)
        found = bench.row_fields(asked, self.of)
        header = {
            "request": asked.model_dump(),
            "rows": list(rows),
            "points": asked.points,
            "half_width": asked.half_width,
            "x": found.x[asked.points // 2].item(),
            "y": found.y[asked.points // 2].item(),
            "coupled": found.coupled,
            "has_masks": found.has_masks,
            "method": found.method,
            "passed_over": found.passed_over,
        }
        return packed(header, found.u_BYX.astype("<f4"), found.v_BYX.astype("<f4"))
