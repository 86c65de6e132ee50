"""Makes a view into one file, step by step: each step reports the progress, and the caller may stop in between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from PIL.Image import Image

from gradviz.compute.interface import Cancelled, Compute, StillWanted
from gradviz.dashboard.export_rows import Row, as_drawn, computed_rows, num_centres, num_marks
from gradviz.dashboard.left_out import left_out_notes
from gradviz.dashboard.query import ONE, ExportQuery
from gradviz.dashboard.run_colours import run_colours
from gradviz.dashboard.run_told import layers_of, tensors_of
from gradviz.dashboard.standalone import Stack, ViewLook, expected_bytes, interactive_html
from gradviz.drawing.animation import drawn_frames, scales_of_rows
from gradviz.drawing.camera import Camera
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.grid import MOST_LARGE, grid_frames
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import Look
from gradviz.drawing.printed import pdf_bytes
from gradviz.drawing.still import Shown
from gradviz.errors import NotHere, UserError
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.scalar import Scalar

MOST_FRAMES = 200
MOST_BYTES = 64_000_000
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Step:
    """Progress: `done` of `total` steps, and what the current one does."""

    done: int
    total: int
    doing: str


@dataclass(frozen=True)
class ExportFile:
    """The result of the work. `notes`: sentences on what is not in it."""

    name: str
    kind: str
    content: bytes
    notes: tuple[str, ...] = ()


def indices_of(asked: ExportQuery, store: RunStore) -> list[int]:
    """The epochs or minibatches that all pictures share; UserError if there are none, or too many for one file."""
    if asked.minus is not None and any(panel.has_directions for panel in asked.panels):
        raise UserError("Along directions each run has a plane of its own, and no difference: leave out `minus`.")
    if asked.minus is not None and asked.minus >= len(asked.panels):
        raise UserError(f"`minus` must be one of the panels, 0..{len(asked.panels) - 1}, got {asked.minus}.")
    for panel in asked.panels:
        asked.check(panel)
    there = [_there(panel, asked, store) for panel in asked.panels]
    shared = sorted(set(there[0]).intersection(*there[1:]))
    shown = asked.index_of(asked.panels[0])
    if asked.kind == "pdf" and shown not in shared:
        raise UserError(f"These pictures have no {ONE[asked.over]} {shown} in common: choose another one.")
    if asked.kind == "pdf" and asked.range == "frame":
        return [shown]
    kept = {shown} if asked.kind == "pdf" else set()
    shared = sorted({*shared[:: asked.every], *kept})
    if not shared:
        raise UserError(f"These pictures have no {asked.over} in common: choose fewer, or wait for their training.")
    if len(shared) > MOST_FRAMES:
        raise UserError(f"A file holds at most {MOST_FRAMES} frames, got {len(shared)} {asked.over}: increase `every`.")
    points = [panel.points for panel in asked.panels]
    size = expected_bytes(
        points, len(shared), num_centres(asked, store, len(shared)), num_marks(asked, store, len(shared))
    )
    if asked.kind != "pdf" and size > MOST_BYTES:
        raise UserError(
            f"A file holds at most {MOST_BYTES // 10**6} MB of numbers, and these have about {size // 10**6} MB: "
            "increase `every`, or choose fewer points."
        )
    return shared


def steps(
    asked: ExportQuery, compute: Compute, store: RunStore, still_wanted: StillWanted = lambda: True
) -> Iterator[Step | ExportFile]:
    """Yields the steps, and finally the file. Raises UserError before the first step, or in its place.

    Raises Cancelled soon after `still_wanted` turns false, within a landscape or between two pictures.

    Costs the landscapes that are not cached and, for a gif, about 0.1 s for each picture.
    """
    indices = indices_of(asked, store)
    until = monotonic() + MOST_SECONDS
    total = len(indices) * (2 if asked.kind == "gif" else 1) + 1
    rows: list[Row] = []
    left_out: dict[int, NotHere] = {}
    for index, row in zip(indices, computed_rows(asked, compute, store, indices, still_wanted), strict=True):
        if isinstance(row, NotHere):
            left_out[index] = row
        else:
            rows.append(row)
        yield _step(len(rows) + len(left_out), total, "computing", asked, index, until)
    indices, notes = _kept(indices, left_out, asked), left_out_notes(left_out)
    if asked.kind == "html":
        content = _html(asked, store, indices, rows, notes)
    elif asked.kind == "pdf":
        content = _pdf(asked, store, indices, rows)
    else:
        gif = Gif(asked.per_second, colours_of(PALETTES[asked.scheme], asked.under), _comment(asked, indices, notes))
        for done, (index, image) in enumerate(zip(indices, _images(asked, store, rows, notes), strict=True), 1):
            if not still_wanted():
                raise Cancelled
            gif.add(image)
            _check_size(gif.num_bytes)
            yield _step(len(rows) + done, total, "drawing", asked, index, until)
        content = gif.finish()
    _check_size(len(content))
    yield ExportFile(export_name(asked), asked.kind, content, tuple(notes))


def _kept(indices: list[int], left_out: Mapping[int, NotHere], asked: ExportQuery) -> list[int]:
    """Those that are in the file; `UserError` if none is, or the only one that matters is not."""
    shown = asked.index_of(asked.panels[0])
    if len(left_out) == len(indices) or (asked.kind == "pdf" and shown in left_out):
        raise left_out.get(shown, next(iter(left_out.values())))
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


def _step(done: int, total: int, doing: str, asked: ExportQuery, index: int, until: float) -> Step:
    if monotonic() > until:
        raise UserError(f"Export exceeded {MOST_SECONDS:.0f} s: retry (finished frames are cached), or export less.")
    return Step(done, total, f"{doing} {ONE[asked.over]} {index}")


def export_name(asked: ExportQuery) -> str:
    first = asked.panels[0]
    runs = list(dict.fromkeys(panel.run for panel in asked.panels))
    variants = "-".join(runs) if len(runs) <= MOST_LARGE else f"{len(runs)}-runs"
    minibatch = first.minibatch_words.replace(" ", "-")
    fixed = minibatch if asked.over == "epochs" else f"epoch-{first.epoch}"
    minus = "" if asked.minus is None else f"-minus-{asked.panels[asked.minus].run}"
    if asked.kind == "pdf":
        return f"{variants}{minus}-epoch-{first.epoch}-{minibatch}.pdf"
    return f"{variants}{minus}-{fixed}-over-{asked.over}.{asked.kind}"


def _there(panel: LandscapeRequest, asked: ExportQuery, store: RunStore) -> list[int]:
    run = store.any_run(panel.run)
    many = run.epochs() if asked.over == "epochs" else range(run.num_minibatches(panel.minibatch_size))
    return list(many)


def _images(asked: ExportQuery, store: RunStore, rows: list[Row], notes: Sequence[str]) -> Iterator[Image]:
    drawn = [as_drawn(row, asked.minus) for row in rows]
    measured = {"share_scale": asked.share_scale, "fixed_colours": asked.range == "epochs", "note": " ".join(notes)}
    if len(asked.panels) > MOST_LARGE:
        return grid_frames(drawn, _names(asked, store), _look(asked), **measured)
    return drawn_frames(drawn, _look(asked), **measured)


def _pdf(asked: ExportQuery, store: RunStore, indices: list[int], rows: list[Row]) -> bytes:
    drawn = [as_drawn(row, asked.minus) for row in rows]
    at = indices.index(asked.index_of(asked.panels[0]))
    scales = list(scales_of_rows(drawn, asked.share_scale, asked.range == "epochs"))[at]
    return pdf_bytes(drawn[at], _names(asked, store), _look(asked), scales, share_scale=asked.share_scale)


def _look(asked: ExportQuery) -> Look:
    return Look(PALETTES[asked.scheme], asked.length, asked.under, asked.direction, Camera.parse(asked.camera))


def _labels(asked: ExportQuery, store: RunStore) -> list[str]:
    """What each picture's run is called, with its masks where one run is under several."""
    masks = {
        run: {each.masks for each in asked.panels if each.run == run} for run in {each.run for each in asked.panels}
    }
    titles = [store.any_run(panel.run).title for panel in asked.panels]
    return [
        f"{title}, {panel.masks} masks" if len(masks[panel.run]) > 1 else title
        for title, panel in zip(titles, asked.panels, strict=True)
    ]


def _names(asked: ExportQuery, store: RunStore) -> list[str]:
    """What each picture is called: its run, and which one is subtracted from it."""
    labels = _labels(asked, store)
    if asked.minus is None:
        return labels
    return [f"{label} − {labels[asked.minus]}" if k != asked.minus else label for k, label in enumerate(labels)]


def _html(asked: ExportQuery, store: RunStore, indices: list[int], rows: list[Row], notes: Sequence[str]) -> bytes:
    columns = [dict(zip(indices, column, strict=True)) for column in zip(*rows, strict=True)]
    colours = run_colours([run.config for run in store.all_runs()])
    stacks = [
        _stack(panel, label, colours[panel.run][asked.scheme], column, store.any_run(panel.run))
        for panel, label, column in zip(asked.panels, _labels(asked, store), columns, strict=True)
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
