"""A view as one still picture: panels side by side, or what the view Minibatches shows, on a screen or on a sheet."""

import json
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from gradviz.compute.cosines import CosinesQuestion, CosinesRequest
from gradviz.compute.interface import Compute, StillWanted
from gradviz.dashboard.export_file import (
    ExportFile,
    Step,
    check_panels,
    deadline,
    export_name,
    look_of,
    names_of,
    shared_indices,
    step_of,
    there,
)
from gradviz.dashboard.export_query import ExportQuery
from gradviz.dashboard.export_rows import Row, as_drawn, centres_of, computed_rows, num_minibatches, requests_at
from gradviz.dashboard.query import ONE
from gradviz.drawing import labels
from gradviz.drawing.animation import scales_of_rows
from gradviz.drawing.caption import matrix_caption, rose_caption
from gradviz.drawing.choices import WIDTHS_IN, still_kind
from gradviz.drawing.panels import matrix_panel, rose_panel
from gradviz.drawing.printed import row_bytes, sheet_bytes
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.drawing.sheetplan import Sheet
from gradviz.errors import NotHere, UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

# Shape suffixes: K = minibatches, 2 = (u, v).

MOST_PANELS = 200


@dataclass(frozen=True)
class _Work:
    asked: ExportQuery
    compute: Compute
    store: RunStore
    still_wanted: StillWanted

    @property
    def request(self) -> LandscapeRequest:
        """Of the only panel."""
        return self.asked.panels[0]

    @property
    def sheet(self) -> Sheet | None:
        """None: as large as for a screen."""
        asked = self.asked
        width = asked.width_in or (None if asked.content == "fields" else WIDTHS_IN["page"])
        return None if width is None else Sheet(width, asked.titles, asked.letters, asked.columns)


def figure_steps(
    asked: ExportQuery, compute: Compute, store: RunStore, still_wanted: StillWanted = lambda: True
) -> Iterator[Step | ExportFile]:
    """As `exports.steps`, of a still picture. Costs the landscapes that are not cached, and about 0.1 s a panel."""
    check_panels(asked)
    work = _Work(_of_minibatches(asked, store), compute, store, still_wanted)
    made = _fields(work) if asked.content in ("fields", "multiples") else _spread(work)
    content, caption = yield from made
    yield ExportFile(export_name(asked), asked.kind, content, caption=caption)


def _of_minibatches(asked: ExportQuery, store: RunStore) -> ExportQuery:
    """With a panel for each minibatch, where these are shown."""
    if asked.content == "fields":
        return asked
    if len(asked.panels) > 1 or asked.minus is not None:
        raise UserError(f"`{asked.content}` is of one panel and no difference, got {len(asked.panels)} `panels`.")
    first = asked.panels[0]
    if asked.content != "multiples":
        return asked
    many = num_minibatches(store, first)
    if many > MOST_PANELS:
        raise UserError(f"A picture has at most {MOST_PANELS} panels, got {many} minibatches: choose larger ones.")
    panels = [first.of_minibatch(k) for k in range(many)]
    return asked.model_copy(update={"panels": panels, "share_scale": asked.range == "epochs", "over": "minibatches"})


_Made = Generator[Step, None, tuple[bytes, str]]
"""Steps, and at the end the file and its caption."""


def _fields(work: _Work) -> _Made:
    asked = work.asked
    rows = [asked.panels, *_others(asked, work.store)]
    until, computed = deadline(), list[Row]()
    made = computed_rows(asked, work.compute, work.store, rows, work.still_wanted, num_with_overlays=1)
    for requests, row in zip(rows, made, strict=True):
        if isinstance(row, NotHere) and not computed:
            raise row
        if not isinstance(row, NotHere):
            computed.append(as_drawn(row, asked.minus))
        yield step_of(len(computed), len(rows) + 1, f"computing {ONE[asked.over]} {asked.index_of(requests[0])}", until)
    drawn: Row = computed[0]
    [scales, *_] = scales_of_rows(computed, asked.share_scale, asked.range == "epochs", asked.fixed_lengths)
    kind, measured = still_kind(asked.kind), {"share_scale": asked.share_scale}
    return row_bytes(drawn, names_of(asked, work.store), look_of(asked), scales, kind, **measured, sheet=work.sheet)


def _others(asked: ExportQuery, store: RunStore) -> list[list[LandscapeRequest]]:
    """What gives the colours their scale beside the panels themselves."""
    for panel in asked.panels:
        index = asked.index_of(panel)
        if panel.rows is None and index not in there(panel, asked, store):
            raise UserError(f"These pictures have no {ONE[asked.over]} {index} in common: choose another one.")
    if asked.range == "frame" or asked.content != "fields":
        return []
    shown = {asked.index_of(panel) for panel in asked.panels}
    indices = [index for index in shared_indices(asked, store)[:: asked.every] if {index} != shown]
    return requests_at(asked, indices)


def _spread(work: _Work) -> _Made:
    """The rose, or the matrix, of the gradients of all minibatches."""
    asked, request, look = work.asked, work.request, look_of(work.asked)
    yield step_of(0, 2, "computing all minibatches", deadline())
    fields = list(_measured(work))
    is_zero_K = np.array([drawn_sizes(field)[_middle(field)] == 0 for field in fields])
    gradients_K2 = np.array([field.centre for field in fields], float).reshape(-1, 2)
    if asked.content == "rose":
        scale = Scale.of(fields)
        per = labels.per_unit(has_directions=request.has_directions)
        panel = rose_panel(gradients_K2, is_zero_K, look, scale, per)
        caption = rose_caption(request, gradients_K2, is_zero_K, look, scale)
    else:
        cosine_KK, order, of = _cosines(work, gradients_K2, is_zero_K)
        panel = matrix_panel(cosine_KK, order, look, of)
        caption = matrix_caption(request, cosine_KK, of)
    assert work.sheet is not None
    content = sheet_bytes([panel], work.sheet, look, still_kind(asked.kind), request.canonical(), caption)
    return content, caption


def _measured(work: _Work) -> Iterator[GradientField]:
    """All minibatches' fields where colours are measured by them, else their middles alone."""
    request, many = work.request, range(num_minibatches(work.store, work.request))
    if work.asked.content == "matrix" or work.asked.range == "frame":
        return centres_of(request, work.compute, work.store, work.still_wanted)
    return (field for _, field in work.compute.minibatches(request, many, work.still_wanted))


def _middle(field: GradientField) -> tuple[int, int]:
    return len(field.y) // 2, len(field.x) // 2


def _cosines(work: _Work, gradients_K2: np.ndarray, is_zero_K: np.ndarray) -> tuple[np.ndarray, list[int], str]:
    """(K, K), the order of rows and columns, and of what."""
    part, request = work.asked.part, work.request
    if part == "pair":
        angle_K = np.where(is_zero_K, np.nan, np.arctan2(gradients_K2[:, 1], gradients_K2[:, 0]))
        # As on the page: from one side of the mean direction to the other, those without direction last.
        mean = np.exp(1j * angle_K[~is_zero_K]).sum()  # its direction alone counts; there may be none
        from_mean_K = np.angle(np.exp(1j * angle_K) * np.conj(mean))
        order = np.argsort(from_mean_K, kind="stable").tolist()
        cosine_KK = np.cos(angle_K[:, None] - angle_K)
        return cosine_KK, order, "this plane" if request.has_directions else "this pair"
    shared = {name: getattr(request, name) for name in CosinesRequest.model_fields if name != "part"}
    question = CosinesQuestion.of(**shared, part=part)
    told = json.loads(work.compute.ask(question, work.still_wanted))
    cosine_KK = np.array([[math.nan if value is None else value for value in row] for row in told["cosine"]])
    return cosine_KK, told["order"], f"`{part}`"
