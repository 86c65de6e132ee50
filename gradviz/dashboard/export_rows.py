"""The content of an export at each epoch or minibatch: its pictures' fields and overlays, row by row."""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

from gradviz.compute.difference import difference_of
from gradviz.compute.directions import check_axes
from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.probe import ProbeQuestion
from gradviz.compute.probe_settings import ProbeSettings
from gradviz.compute.sampling import NO_DIRECTIONS, SamplingQuestion, SamplingRequest
from gradviz.compute.workbench import draws_masks
from gradviz.dashboard.export_query import ExportQuery
from gradviz.dashboard.run_told import short_names
from gradviz.drawing.marks import InPlane
from gradviz.drawing.overlays import Over, centre_of
from gradviz.drawing.probe import Paths
from gradviz.drawing.shown import Shown
from gradviz.errors import NotHere
from gradviz.experiment.store import RunStore
from gradviz.landscape.directions.axis import Curvature, parse_axis
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.statistics.sampling import Sampling

Row = list[Shown]

_FEWEST = 3  # points of a grid


def requests_at(asked: ExportQuery, indices: list[int]) -> list[list[LandscapeRequest]]:
    """Of the panels at each index."""
    return [[asked.at(panel, index) for panel in asked.panels] for index in indices]


def computed_rows(
    asked: ExportQuery,
    compute: Compute,
    store: RunStore,
    rows: list[list[LandscapeRequest]],
    still_wanted: StillWanted,
    *,
    num_with_overlays: int | None = None,
) -> Iterator[Row | NotHere]:
    """The rows of pictures, as they are ready; closing this iterator cancels what it submitted ahead.

    In place of a row there is the reason why one of the pictures has no field at this epoch. UserError for an axis that
    a run does not have, before the first. Overlays lie on all rows, or on the first few.
    """
    for panel in asked.panels:
        check_axes(store, panel)
    overlays = _Overlays(asked, compute, store, still_wanted)
    with ExitStack() as streams:
        fields = [
            streams.enter_context(closing(_fields(list(column), asked, compute, still_wanted)))
            for column in zip(*rows, strict=True)
        ]
        for done, (requests, row) in enumerate(zip(rows, zip(*fields, strict=True), strict=True)):
            reasons = [field for field in row if isinstance(field, NotHere)]
            if reasons:
                yield reasons[0]
                continue
            has_overlays = num_with_overlays is None or done < num_with_overlays
            yield [
                Shown(
                    field,
                    request,
                    overlays.of(slot, request) if has_overlays else Over(),
                    draws_masks=draws_masks(store.any_run(request.run), request),
                    names=short_names(store.any_run(request.run), request),
                )
                for slot, (field, request) in enumerate(zip(row, requests, strict=True))
            ]


def as_drawn(row: Row, minus: int | None) -> Row:
    """The row with all pictures but `minus` as differences from it."""
    if minus is None:
        return row
    reference = row[minus]
    return [shown if slot == minus else _difference(shown, reference) for slot, shown in enumerate(row)]


def _difference(shown: Shown, reference: Shown) -> Shown:
    return replace(
        shown,
        field=difference_of(shown.field, reference.field),
        minus=reference.request.run,
        draws_masks=shown.draws_masks or reference.draws_masks,
    )


def num_centres(asked: ExportQuery, store: RunStore, num_frames: int) -> int:
    """Number of arrows in the minibatches' spreads of a stand-alone page."""
    checkpoints = num_frames if asked.over == "epochs" else 1
    panels = [
        panel for slot, panel in enumerate(asked.panels) if has_overlays(asked, slot) and not panel.has_directions
    ]
    return "spread" in asked.show and checkpoints * sum(num_minibatches(store, panel) for panel in panels)


def num_marks(asked: ExportQuery, store: RunStore, num_frames: int) -> int:
    """Number of checkpoints and gradients in planes along directions, and of steps of probes, which a stand-alone page
    tells for each frame."""
    planes = [panel for slot, panel in enumerate(asked.panels) if has_overlays(asked, slot) and panel.has_directions]
    each = [len(store.any_run(panel.run).epochs()) + num_minibatches(store, panel) for panel in planes]
    marks = sum(each) if {"path", "spread"} & set(asked.show) else 0
    probed = sum(has_overlays(asked, slot) for slot in range(len(asked.panels))) if "probe" in asked.show else 0
    return num_frames * (marks + probed * asked.steps)  # a step of four paths takes as much as a mark


def has_overlays(asked: ExportQuery, slot: int) -> bool:
    """As on the page, a difference has no overlays."""
    return asked.minus is None or slot == asked.minus


class _Overlays:
    """What lies over each picture, computed once for each checkpoint."""

    def __init__(self, asked: ExportQuery, compute: Compute, store: RunStore, still_wanted: StillWanted) -> None:
        self._asked, self._compute, self._store, self._still_wanted = asked, compute, store, still_wanted
        self._paths: dict[int, dict[int, tuple[float, float]]] = {}
        self._spreads: dict[tuple[int, int], tuple[GradientField, ...]] = {}
        self._samplings: dict[tuple[int, int], tuple[Sampling | None, str | None]] = {}
        self._told: dict[tuple[int, int, int], InPlane] = {}
        self._probes: dict[tuple[int, int, int], Paths] = {}

    def of(self, slot: int, request: LandscapeRequest) -> Over:
        if not has_overlays(self._asked, slot):
            return Over()
        if request.has_directions:
            return self._in_plane(slot, request)
        path = self._path(slot, request) if "path" in self._asked.show else None
        spread = self._spread(slot, request) if "spread" in self._asked.show else ()
        sampling, why_none = self._sampling(slot, request) if "sampling" in self._asked.show else (None, None)
        return Over(path, spread, sampling=sampling, why_no_sampling=why_none, probe=self._probe(slot, request))

    def _in_plane(self, slot: int, request: LandscapeRequest) -> Over:
        """Of axes along directions; those along the Hessian's are another plane for each minibatch."""
        why_none = NO_DIRECTIONS if "sampling" in self._asked.show else None
        own = {"why_no_sampling": why_none, "probe": self._probe(slot, request)}
        if set(self._asked.show) <= {"sampling", "probe"}:
            return Over(**own)
        at = slot, request.epoch, request.minibatch if _has_curvature(request) else 0
        if at not in self._told:
            answer = self._compute.ask(PlaneQuestion(request=request), self._still_wanted)
            self._told[at] = InPlane.from_answer(json.loads(answer))
        told = self._told[at]
        return Over(
            marks=told if "path" in self._asked.show else None,
            rays=told if "spread" in self._asked.show else None,
            **own,
        )

    def _path(self, slot: int, request: LandscapeRequest) -> dict[int, tuple[float, float]]:
        if slot not in self._paths:
            # Only the values of the parameters matter.
            small = request.model_copy(update={"points": _FEWEST, "mode": "eval"})
            epochs = self._store.any_run(request.run).epochs()
            fields = self._compute.sweep(small, epochs, self._still_wanted)
            self._paths[slot] = {epoch: (float(field.x[1]), float(field.y[1])) for epoch, field in fields}
        return self._paths[slot]

    def _spread(self, slot: int, request: LandscapeRequest) -> tuple[GradientField, ...]:
        at = slot, request.epoch
        if at not in self._spreads:
            is_one = num_minibatches(self._store, request) == 1
            told = () if is_one else centres_of(request, self._compute, self._store, self._still_wanted)
            self._spreads[at] = tuple(told)
        return self._spreads[at]

    def _sampling(self, slot: int, request: LandscapeRequest) -> tuple[Sampling | None, str | None]:
        """The same for all minibatches of a checkpoint; or why there is none."""
        at = slot, request.epoch
        if at not in self._samplings:
            question = SamplingQuestion(request=SamplingRequest.of_picture(request))
            told = json.loads(self._compute.ask(question, self._still_wanted))
            self._samplings[at] = Sampling(**told["sampling"]) if told["sampling"] else None, told["reason"]
        return self._samplings[at]

    def _probe(self, slot: int, request: LandscapeRequest) -> Paths | None:
        """The paths from a point of this picture, if they are wanted."""
        if "probe" not in self._asked.show:
            return None
        at = slot, request.epoch, request.minibatch
        if at not in self._probes:
            asked = self._asked
            settings = ProbeSettings.of_view(asked.start, request.half_width, asked.rate, asked.steps)
            answer = self._compute.ask(ProbeQuestion(request=request, settings=settings), self._still_wanted)
            self._probes[at] = Paths.from_answer(json.loads(answer))
        return self._probes[at]


def centres_of(
    request: LandscapeRequest, compute: Compute, store: RunStore, still_wanted: StillWanted
) -> Iterator[GradientField]:
    """The gradient at the checkpoint of each minibatch of the run, as a field of one point."""
    # The smallest grid with this middle; fresh masks are drawn by the number of the point.
    is_whole = request.masks == "fresh" and draws_masks(store.any_run(request.run), request)
    around = request if is_whole else request.model_copy(update={"points": _FEWEST})
    for _, field in compute.minibatches(around, range(num_minibatches(store, request)), still_wanted):
        yield centre_of(field)


def _has_curvature(request: LandscapeRequest) -> bool:
    return any(isinstance(parse_axis(axis), Curvature) for axis in (request.x, request.y))


def num_minibatches(store: RunStore, request: LandscapeRequest) -> int:
    """Of the run, of this size."""
    return store.any_run(request.run).num_minibatches(request.minibatch_size)


def _fields(
    requests: list[LandscapeRequest], asked: ExportQuery, compute: Compute, still_wanted: StillWanted
) -> Generator[GradientField | NotHere, None, None]:
    """The fields of one picture. Not every epoch has one: along directions the last has no way to itself, the first no
    step before it."""
    questions = [LandscapeQuestion(request=request) for request in requests]
    for outcome in compute.outcomes(questions, together=asked.together, still_wanted=still_wanted):
        if not isinstance(outcome, Exception):
            yield GradientField.from_bytes(outcome)
        elif asked.over == "epochs" and isinstance(outcome, NotHere):
            yield outcome
        else:
            raise outcome
