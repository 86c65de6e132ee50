"""`gradviz landscape`."""

import argparse
import math
from pathlib import Path

import numpy as np

from gradviz.commands.output import output_path, write_output
from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_store
from gradviz.compute.directions import vectors_bytes
from gradviz.compute.export import SUFFIXES, landscape_bytes
from gradviz.compute.workbench import Workbench, draws_masks
from gradviz.drawing.labels import plane_sentences
from gradviz.landscape import GradientField, LandscapeRequest, zero_message
from gradviz.landscape.request import masks_words
from gradviz.settings import load_settings

_OPTIONAL = ("minibatch", "minibatch_size", "mode", "masks", "num_masks", "half_width", "points", "seed")
_PICTURES = (".png", ".svg")


def run(options: argparse.Namespace) -> int:
    """Computes one landscape, writes it to `--out` and prints a summary of two lines."""
    path = output_path(options.out, (*SUFFIXES, *_PICTURES, ".html"))
    vectors_path = None
    if options.directions_out is not None:
        vectors_path = output_path(options.directions_out, (".safetensors",))
    request = _request(options)
    settings = load_settings(runs=options.runs, study=options.study)
    with FieldCache(settings.cache_dir, settings.cache_bytes) as cache:
        store = open_store(settings)
        if vectors_path is not None:
            bench = Workbench(store, device=settings.device)
            field, vectors = bench.direction_landscape(request, options.method)
            write_output(vectors_path, vectors_bytes(vectors))
        elif options.method is not None:
            field = Workbench(store, device=settings.device).landscape(request, options.method)
        else:
            field = open_compute(settings, store, cache).landscape(request)
    has_masks = draws_masks(store.any_run(request.run), request)
    write_output(path, _content(field, request, path, has_masks))
    print(_summary(field, request, path, has_masks))
    return 0


def _request(options: argparse.Namespace) -> LandscapeRequest:
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    return LandscapeRequest.of(run=options.run, epoch=options.epoch, x=options.x, y=options.y, **given)


def _content(field: GradientField, request: LandscapeRequest, path: Path, has_masks: bool) -> bytes:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return landscape_bytes(field, request, suffix)
    if suffix in _PICTURES:
        from gradviz.drawing.still import Shown, picture_bytes  # matplotlib takes a second to import

        return picture_bytes(Shown(field, request, draws_masks=has_masks), suffix.removeprefix("."))
    from gradviz.drawing.figure import landscape_figure  # and so does plotly

    title = f"run {request.run}, epoch {request.epoch}, minibatch {request.minibatch}, {request.mode} mode"
    figure = landscape_figure(field, x_name=request.x, y_name=request.y, title=title)
    return figure.to_html(include_plotlyjs=True, full_html=True).encode()


def _summary(field: GradientField, request: LandscapeRequest, path: Path, has_masks: bool) -> str:
    u, v = field.centre
    first = (
        f"{path}: {len(field.x)} × {len(field.y)} arrows of {request.run}, epoch {request.epoch}, "
        f"minibatch {request.minibatch}, {request.mode} mode"
    )
    zero = int(field.is_zero.sum())
    facts = f"centre ({u:.4g}, {v:.4g})"
    if math.isnan(field.share_below):
        facts += "".join(f"; {fact.sentence}" for fact in field.facts if fact.sentence)
    else:
        facts += f"; {field.share_below:.0%} of {field.num_rows} rows predicted below their target"
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
