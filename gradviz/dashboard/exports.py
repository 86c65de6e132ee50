"""Makes a view into one file, step by step: each step reports the progress, and the caller may stop in between."""

from collections.abc import Iterator, Mapping, Sequence

from PIL.Image import Image

from gradviz.compute.interface import Cancelled, Compute, StillWanted
from gradviz.dashboard.export_file import (
    ExportFile,
    Step,
    check_panels,
    deadline,
    export_name,
    labels_of,
    look_of,
    names_of,
    shared_indices,
    step_of,
)
from gradviz.dashboard.export_query import ExportQuery
from gradviz.dashboard.export_rows import Row, as_drawn, computed_rows, num_centres, num_marks, requests_at
from gradviz.dashboard.figures import figure_steps
from gradviz.dashboard.left_out import left_out_notes
from gradviz.dashboard.query import ONE
from gradviz.dashboard.run_colours import run_colours
from gradviz.dashboard.run_told import layers_of, tensors_of
from gradviz.dashboard.standalone import Stack, ViewLook, expected_bytes, interactive_html
from gradviz.drawing.animation import drawn_frames
from gradviz.drawing.choices import STILLS, film_kind
from gradviz.drawing.films import check_film, film_of
from gradviz.drawing.grid import MOST_LARGE, grid_frames
from gradviz.drawing.shown import Shown
from gradviz.errors import NotHere, UserError
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.scalar import Scalar

MOST_FRAMES = 200
MOST_BYTES = 64_000_000


def indices_of(asked: ExportQuery, store: RunStore) -> list[int]:
    """The epochs or minibatches that all pictures share; UserError if there are none, or too many for one file."""
    check_panels(asked)
    shared = shared_indices(asked, store)[:: asked.every]
    if not shared:
        raise UserError(f"These pictures have no {asked.over} in common: choose fewer, or wait for their training.")
    if len(shared) > MOST_FRAMES:
        raise UserError(f"A file holds at most {MOST_FRAMES} frames, got {len(shared)} {asked.over}: increase `every`.")
    points = [panel.points for panel in asked.panels]
    size = expected_bytes(
        points, len(shared), num_centres(asked, store, len(shared)), num_marks(asked, store, len(shared))
    )
    if size > MOST_BYTES:
        raise UserError(
            f"A file holds at most {MOST_BYTES // 10**6} MB of numbers, and these have about {size // 10**6} MB: "
            "increase `every`, or choose fewer points."
        )
    return shared


def steps(
    asked: ExportQuery, compute: Compute, store: RunStore, still_wanted: StillWanted = lambda: True
) -> Iterator[Step | ExportFile]:
    """Yields the steps, and finally the file. Raises UserError before the first step, or in its place.

    A still picture is `figures.figure_steps`'.

    Raises Cancelled soon after `still_wanted` turns false, within a landscape or between two pictures.

    Costs the landscapes that are not cached and, for a gif, about 0.1 s for each picture.
    """
    if asked.kind in STILLS:
        yield from figure_steps(asked, compute, store, still_wanted)
        return
    check_film(asked.kind)
    indices = indices_of(asked, store)
    until = deadline()
    total = len(indices) * (1 if asked.kind == "html" else 2) + 1
    rows: list[Row] = []
    left_out: dict[int, NotHere] = {}
    for index, row in zip(
        indices, computed_rows(asked, compute, store, requests_at(asked, indices), still_wanted), strict=True
    ):
        if isinstance(row, NotHere):
            left_out[index] = row
        else:
            rows.append(row)
        yield step_of(len(rows) + len(left_out), total, f"computing {ONE[asked.over]} {index}", until)
    indices, notes = _kept(indices, left_out, asked), left_out_notes(left_out)
    if asked.kind == "html":
        content = _html(asked, store, indices, rows, notes)
    else:
        look = look_of(asked)
        comment = _comment(asked, indices, notes)
        kind = film_kind(asked.kind)
        film = film_of(kind, asked.per_second, look.palette, asked.under, comment, still_wanted)
        for done, (index, image) in enumerate(zip(indices, _images(asked, store, rows, notes), strict=True), 1):
            if not still_wanted():
                raise Cancelled
            film.add(image)
            _check_size(film.num_bytes)
            yield step_of(len(rows) + done, total, f"drawing {ONE[asked.over]} {index}", until)
        content = film.finish()
    _check_size(len(content))
    yield ExportFile(export_name(asked), asked.kind, content, tuple(notes))


def _kept(indices: list[int], left_out: Mapping[int, NotHere], asked: ExportQuery) -> list[int]:
    """Those that are in the file; `UserError` if none is."""
    if len(left_out) == len(indices):
        raise left_out.get(asked.index_of(asked.panels[0]), next(iter(left_out.values())))
    return [index for index in indices if index not in left_out]


def _check_size(num_bytes: int) -> None:
    if num_bytes > MOST_BYTES:
        raise UserError(f"The file is larger than {MOST_BYTES // 10**6} MB: increase `every`, or choose fewer points.")


def _comment(asked: ExportQuery, indices: list[int], notes: Sequence[str]) -> str:
    """Describes the content within the file, in case its name is lost."""
    requests = "; ".join(request.canonical() for request in asked.panels)
    minus = "" if asked.minus is None else f", minus {asked.panels[asked.minus].run}"
    about = f"gradviz, {asked.over} {indices[0]} to {indices[-1]}{minus}: {requests}"
    return ". ".join([about, *notes]) if notes else about


def _images(asked: ExportQuery, store: RunStore, rows: list[Row], notes: Sequence[str]) -> Iterator[Image]:
    drawn = [as_drawn(row, asked.minus) for row in rows]
    measured = {"share_scale": asked.share_scale, "fixed_colours": asked.range == "epochs"}
    told = {"fixed_lengths": asked.fixed_lengths, "note": " ".join(notes)}
    if len(asked.panels) > MOST_LARGE:
        return grid_frames(drawn, names_of(asked, store), look_of(asked), **measured, **told)
    return drawn_frames(drawn, look_of(asked), **measured, **told)


def _html(asked: ExportQuery, store: RunStore, indices: list[int], rows: list[Row], notes: Sequence[str]) -> bytes:
    columns = [dict(zip(indices, column, strict=True)) for column in zip(*rows, strict=True)]
    colours = run_colours([run.config for run in store.all_runs()])
    stacks = [
        _stack(panel, label, colours[panel.run][asked.scheme], column, store.any_run(panel.run))
        for panel, label, column in zip(asked.panels, labels_of(asked, store), columns, strict=True)
    ]
    shown = asked.index_of(asked.panels[0])
    look = ViewLook(
        scheme=asked.scheme,
        under=asked.under,
        camera=asked.camera,
        length=asked.length,
        direction=asked.direction,
        range=asked.range,
        share_scale=asked.share_scale,
        overlays=tuple(asked.show),
        minus=asked.minus,
    )
    first = min(indices, key=lambda index: abs(index - shown))
    return interactive_html(stacks, over=asked.over, first=first, look=look, notes=notes)


def _stack(
    panel: LandscapeRequest,
    label: str,
    colour: str,
    pictures: Mapping[int, Shown],
    run: Run | StudyRun,
) -> Stack:
    known = tensors_of(run)
    scalars = [axis for axis in map(parse_axis, (panel.x, panel.y)) if isinstance(axis, Scalar)]
    tensors = {axis.name: known[axis.name] for axis in scalars}
    layers = {tensor["layer"] for tensor in tensors.values()}
    overs = {shown.request.epoch: shown.over for shown in pictures.values()}
    return Stack(
        panel,
        {index: shown.field for index, shown in pictures.items()},
        path=next(iter(overs.values())).path or {},
        spreads={epoch: over.spread for epoch, over in overs.items() if over.spread},
        samplings={
            epoch: (over.sampling, over.why_no_sampling)
            for epoch, over in overs.items()
            if over.sampling or over.why_no_sampling
        },
        probes={index: shown.over.probe for index, shown in pictures.items() if shown.over.probe},
        planes={index: told for index, shown in pictures.items() if (told := shown.over.marks or shown.over.rays)},
        label=label,
        colour=colour,
        draws_masks=any(shown.draws_masks for shown in pictures.values()),
        tensors=tensors,
        layers=[layer for layer in layers_of(run) if layer["value"] in layers],
    )
