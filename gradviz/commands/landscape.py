"""`gradviz landscape`."""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from gradviz.commands.output import output_path, write_output
from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_store
from gradviz.compute.directions import vectors_bytes
from gradviz.compute.estimate import TOLD_SECONDS, default_points, field_passes, seconds_of, seconds_words
from gradviz.compute.export import SUFFIXES, landscape_bytes
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.workbench import Workbench, draws_masks
from gradviz.dashboard.run_told import short_names
from gradviz.drawing.camera import FIRST
from gradviz.drawing.choices import STILLS, still_kind
from gradviz.drawing.inks import palette_of
from gradviz.drawing.labels import parts_of, plane_sentences
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.sheetplan import Sheet
from gradviz.errors import UserError
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest, zero_message
from gradviz.landscape.request import masks_words
from gradviz.numbers import number, percent
from gradviz.settings import load_settings

_OPTIONAL = ("minibatch", "minibatch_size", "rows", "mode", "masks", "num_masks", "half_width", "points", "seed")
_PICTURES = tuple(f".{kind}" for kind in STILLS)


def run(options: argparse.Namespace) -> int:
    """Computes one landscape, writes it to `--out` and prints a summary of two lines."""
    path = output_path(options.out, (*SUFFIXES, *_PICTURES, ".html"))
    vectors_path = None
    if options.directions_out is not None:
        vectors_path = output_path(options.directions_out, (".safetensors",))
    request, look = _request(options), _look(options)
    settings = load_settings(runs=options.runs, study=options.study)
    with FieldCache(settings.cache_dir, settings.cache_bytes) as cache:
        store = open_store(settings)
        request = _with_points(request, store, is_chosen=options.points is not None)
        is_kept = options.method is None and vectors_path is None and _is_kept(request, store, cache)
        if not is_kept and (options.method is None or request.has_directions):
            _tell_estimate(request, store)
        if vectors_path is not None:
            bench = Workbench(store, device=settings.device, cache=cache)
            field, vectors = bench.direction_landscape(request, options.method)
            write_output(vectors_path, vectors_bytes(vectors))
        elif options.method is not None:
            field = Workbench(store, device=settings.device, cache=cache).landscape(request, options.method)
        else:
            field = open_compute(settings, store, cache).landscape(request)
    run = store.any_run(request.run)
    has_masks = draws_masks(run, request)
    if path.suffix.lower() in _PICTURES:
        sheet = None if options.width is None else Sheet(options.width, titles=not options.no_titles)
        content, caption = _picture(field, request, path, look, has_masks, sheet, run)
    else:
        content, caption = _content(field, request, path, look), ""
    write_output(path, content)
    print(_summary(field, request, path, has_masks))
    if caption:
        print(caption)
    return 0


def _look(options: argparse.Namespace) -> Look:
    """`UserError` for a camera without a surface, or for titles that only print can lack."""
    if options.no_titles and options.width is None:
        raise UserError("`--no-titles` is of a figure for print", "add `--width`")
    if options.camera != FIRST and options.under != "surface":
        raise UserError(f"`--camera` is of a surface, got `--under {options.under}`", "add `--under surface`")
    palette = palette_of(options.scheme or "light", options.colours or "viridis")
    return Look(palette, options.length, options.under, options.direction, options.camera)


def _request(options: argparse.Namespace) -> LandscapeRequest:
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    return LandscapeRequest.of(run=options.run, epoch=options.epoch, x=options.x, y=options.y, **given)


def _with_points(request: LandscapeRequest, store: RunStore, *, is_chosen: bool) -> LandscapeRequest:
    """The request with the default number of points, which depends on what they cost; says so if they are fewer."""
    points = request.points if is_chosen else default_points(store, request)
    if points == request.points:
        return request
    seconds = seconds_words(seconds_of(field_passes(store.any_run(request.run), request)))
    print(
        f"{request.points} × {request.points} points would take about {seconds}: computing {points} × {points}. For "
        f"all of them, add --points {request.points}.",
        file=sys.stderr,
    )
    return request.model_copy(update={"points": points})


def _is_kept(request: LandscapeRequest, store: RunStore, cache: FieldCache) -> bool:
    return cache.get(LandscapeQuestion(request=request).key(store)) is not None


def _tell_estimate(request: LandscapeRequest, store: RunStore) -> None:
    seconds = seconds_of(LandscapeQuestion(request=request).passes(store))
    if seconds > TOLD_SECONDS:
        print(f"This takes about {seconds_words(seconds)} on two cores.", file=sys.stderr)


def _content(field: GradientField, request: LandscapeRequest, path: Path, look: Look) -> bytes:
    """Numbers, or a page."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return landscape_bytes(field, request, suffix)
    from gradviz.drawing.figure import Picture  # plotly takes a second to import
    from gradviz.drawing.surfacefigure import picture_figure

    title = f"run {request.run}, epoch {request.epoch}, {request.minibatch_words}, {request.mode} mode"
    figure = picture_figure(Picture(field, request.x, request.y, title, look=look))
    return figure.to_html(include_plotlyjs=True, full_html=True).encode()


def _picture(
    field: GradientField,
    request: LandscapeRequest,
    path: Path,
    look: Look,
    has_masks: bool,
    sheet: Sheet | None,
    run: Run | StudyRun,
) -> tuple[bytes, str]:
    """A still picture and its caption."""
    from gradviz.drawing.printed import row_bytes  # and so does matplotlib
    from gradviz.drawing.shown import Shown

    kind = still_kind(path.suffix.lower().removeprefix("."))
    row = [Shown(field, request, draws_masks=has_masks, names=short_names(run, request))]
    return row_bytes(row, [run.title], look, [Scale.of([field])], kind, share_scale=False, sheet=sheet)


def _summary(field: GradientField, request: LandscapeRequest, path: Path, has_masks: bool) -> str:
    u, v = (part[len(field.y) // 2, len(field.x) // 2] for part in parts_of(field))
    first = (
        f"{path}: {len(field.x)} × {len(field.y)} arrows of {request.run}, epoch {request.epoch}, "
        f"{request.minibatch_words}, {request.mode} mode"
    )
    zero = int(field.is_zero.sum())
    facts = f"centre ({number(u)}, {number(v)})"
    if math.isnan(field.share_below):
        facts += "".join(f"; {fact.sentence}" for fact in field.facts if fact.sentence)
    else:
        facts += f"; {percent(field.share_below)} of {field.num_rows} rows predicted below their target"
        facts += f" {masks_words(request)}" if has_masks else ""
    if zero:
        middle = field.is_zero[len(field.y) // 2, len(field.x) // 2]
        at = (len(field.y) // 2, len(field.x) // 2) if middle else tuple(np.argwhere(field.is_zero)[0])
        facts += f"; {zero} arrows are zero. {zero_message(int(field.u_reason[at]), int(field.v_reason[at]))}"
    if field.num_unresolved:
        facts += f"; {field.num_unresolved} arrows are too small for float32 and have the numbers of float64"
    return "\n".join([first, facts, *_method(field)])


def _method(field: GradientField) -> list[str]:
    """How any other network's field was computed, and why not by a quicker method."""
    if field.method == "engine":
        return []
    planes = [] if field.plane is None else [*plane_sentences(field.plane), *field.plane.x.notes, *field.plane.y.notes]
    return [*planes, f"computed by {field.method}", *(f"not by {reason}" for reason in field.passed_over)]
