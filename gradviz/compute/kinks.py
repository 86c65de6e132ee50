"""The lines at which a minibatch's rows have kinks on a plane, as a question; its answer is `Kinks.to_bytes`."""

from typing import Literal

from gradviz.compute.directions import direction_sources
from gradviz.compute.estimate import engine_passes, field_passes, plane_passes
from gradviz.compute.question import Question, address_of
from gradviz.compute.study_landscape import REPLAY_VERSION, row_numbers
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.per_row.kinks import kinks
from gradviz.landscape.per_row.net import Kinks

KINKS_VERSION = 2
"""Part of every key: raise it whenever the same question gets other lines, or other bytes."""


class KinksQuestion(Question):
    """The lines of all rows of a landscape's minibatch, or of the one with the number `row`."""

    kind: Literal["kinks"] = "kinks"
    request: LandscapeRequest
    row: int | None = None

    def key(self, store: RunStore) -> str:
        asked = self.request
        made_from = direction_sources(store, asked)
        return address_of(self, store, asked.run, asked.epoch, KINKS_VERSION, REPLAY_VERSION, *made_from)

    def passes(self, store: RunStore) -> float:
        asked, run = self.request, store.any_run(self.request.run)
        if asked.has_directions:
            return plane_passes(store, asked)
        if isinstance(run, StudyRun):
            return field_passes(run, asked)
        return engine_passes(run, asked)

    def answer(self, bench: Workbench) -> bytes:
        asked = self.request
        rows = row_numbers(bench.store.any_run(asked.run), asked)
        place = None
        if self.row is not None:
            if self.row not in rows:
                raise UserError(
                    f"`row` must be the number of a row of this minibatch, got {self.row}: the answer without `row` "
                    "names all."
                )
            place, rows = rows.index(self.row), [self.row]
        found = self._found(bench, place)
        return found.to_bytes(rows=rows, points=asked.points, half_width=asked.half_width)

    def _found(self, bench: Workbench, place: int | None) -> Kinks:
        asked, run = self.request, bench.store.any_run(self.request.run)
        if asked.has_directions or isinstance(run, StudyRun):
            return kinks(*bench.problem(asked), row=place)
        return kinks(bench.minibatch(asked), asked.spec(), row=place)
