"""A view as one file, made step by step: each step tells how far it is, and whoever asked may stop listening."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import monotonic

from matplotlib.colors import to_hex
from PIL.Image import Image
from plotly.colors import unlabel_rgb

from gradviz.compute.animation import Shown, drawn_frames, gif_bytes
from gradviz.compute.interface import Compute
from gradviz.compute.picture import Drawing, Inks, Stops
from gradviz.dashboard.look import PALETTES, Scheme
from gradviz.dashboard.query import ExportQuery
from gradviz.dashboard.standalone import Stack, ViewLook, expected_bytes, interactive_html
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import LandscapeRequest

MOST_FRAMES = 200
MOST_BYTES = 64_000_000
MOST_SECONDS = 600.0

Row = list[Shown]
_ONE = {"epochs": "epoch", "minibatches": "minibatch"}


@dataclass(frozen=True)
class Step:
    """How far the work is: `done` of `total` steps, and what the present one does."""

    done: int
    total: int
    doing: str


@dataclass(frozen=True)
class ExportFile:
    """What the work ends with."""

    name: str
    kind: str
    content: bytes


def indices_of(asked: ExportQuery, store: RunStore) -> list[int]:
    """The epochs or minibatches that every picture has; UserError if they make too large a file, or there are none."""
    there = [_there(panel, asked, store) for panel in asked.requests]
    shared = sorted(set(there[0]).intersection(*there[1:]))[:: asked.every]
    if not shared:
        raise UserError(f"These pictures have no {asked.over} in common: choose fewer, or wait for their training.")
    if len(shared) > MOST_FRAMES:
        raise UserError(
            f"A file has at most {MOST_FRAMES} frames, and there are {len(shared)} {asked.over}: set `every` higher."
        )
    size = expected_bytes([panel.points for panel in asked.requests], len(shared))
    if size > MOST_BYTES:
        raise UserError(
            f"These are about {size // 10**6} MB of numbers, and a file is made of at most {MOST_BYTES // 10**6} MB: "
            "set `every` higher, or choose fewer points."
        )
    return shared


def steps(asked: ExportQuery, compute: Compute, store: RunStore) -> Iterator[Step | ExportFile]:
    """The work: steps, and at last the file. A mistake is raised before the first step, or in its place.

    Costs what the landscapes cost that are not cached, and, for a gif, about 0.1 s more for each of its pictures.
    """
    indices = indices_of(asked, store)
    until = monotonic() + MOST_SECONDS
    total = len(indices) * (2 if asked.kind == "gif" else 1) + 1
    rows: list[Row] = []
    for row in _computed(asked, compute, indices):
        rows.append(row)
        yield _step(len(rows), total, "computing", asked, indices[len(rows) - 1], until)
    if asked.kind == "html":
        content = _html(asked, indices, rows)
    else:
        images = []
        for image in _images(asked, rows):
            images.append(image)
            yield _step(len(rows) + len(images), total, "drawing", asked, indices[len(images) - 1], until)
        content = gif_bytes(images, asked.per_second, inks_of(asked.scheme))
    if len(content) > MOST_BYTES:
        raise UserError(
            f"The file is larger than {MOST_BYTES // 10**6} MB: set `every` higher, or choose fewer points."
        )
    yield ExportFile(_name(asked), asked.kind, content)


def _step(done: int, total: int, doing: str, asked: ExportQuery, index: int, until: float) -> Step:
    if monotonic() > until:
        raise UserError(
            f"This takes longer than {MOST_SECONDS:.0f} s: ask once more (what was computed is kept), or for less."
        )
    return Step(done, total, f"{doing} {_ONE[asked.over]} {index}")


def _name(asked: ExportQuery) -> str:
    first = asked.requests[0]
    variants = "-".join(dict.fromkeys(panel.variant for panel in asked.requests))
    fixed = f"minibatch-{first.minibatch}" if asked.over == "epochs" else f"epoch-{first.epoch}"
    return f"{variants}-{fixed}-over-{asked.over}.{asked.kind}"


def _computed(asked: ExportQuery, compute: Compute, indices: list[int]) -> Iterator[Row]:
    """A row of pictures for each index, as they are ready; what was submitted ahead is cancelled with this iterator."""
    with ExitStack() as streams:
        fields = [streams.enter_context(closing(_fields(compute, panel, asked, indices))) for panel in asked.requests]
        for index, row in zip(indices, zip(*fields, strict=True), strict=True):
            requests = [panel.model_copy(update={_ONE[asked.over]: index}) for panel in asked.requests]
            yield list(zip(row, requests, strict=True))


def _fields(
    compute: Compute, panel: LandscapeRequest, asked: ExportQuery, indices: list[int]
) -> Generator[GradientField, None, None]:
    several = compute.sweep if asked.over == "epochs" else compute.minibatches
    for _, field in several(panel, indices):
        yield field


def inks_of(scheme: Scheme) -> Inks:
    """The colours of the page, for a still picture."""
    palette = PALETTES[scheme]
    return Inks(
        paper=palette.paper,
        ink=palette.ink,
        faint=palette.faint,
        centre=palette.centre,
        contour=palette.contour,
        arrows=_stops(palette.arrows),
        loss=_stops(palette.loss),
    )


def _stops(stops: Stops) -> Stops:
    return tuple((at, colour if colour.startswith("#") else _hex(colour)) for at, colour in stops)


def _hex(colour: str) -> str:
    """Plotly writes `rgb(68, 1, 84)`."""
    red, green, blue = unlabel_rgb(colour)
    return to_hex((red / 255, green / 255, blue / 255))


def _there(panel: LandscapeRequest, asked: ExportQuery, store: RunStore) -> list[int]:
    run = store.run(panel.variant)
    many = run.epochs() if asked.over == "epochs" else range(run.num_minibatches(panel.minibatch_size))
    return list(many)


def _images(asked: ExportQuery, rows: list[Row]) -> Iterator[Image]:
    drawing = Drawing(inks_of(asked.scheme), asked.length, asked.under, asked.direction)
    return drawn_frames(rows, drawing, share_scale=asked.share_scale, fixed_colours=asked.range == "epochs")


def _html(asked: ExportQuery, indices: list[int], rows: list[Row]) -> bytes:
    columns = [[field for field, _ in column] for column in zip(*rows, strict=True)]
    stacks = [
        Stack(panel, dict(zip(indices, column, strict=True)))
        for panel, column in zip(asked.requests, columns, strict=True)
    ]
    shown = asked.requests[0].epoch if asked.over == "epochs" else asked.requests[0].minibatch
    look = ViewLook(
        scheme=asked.scheme,
        under=asked.under,
        length=asked.length,
        direction=asked.direction,
        range=asked.range,
        share_scale=asked.share_scale,
        overlays=tuple(asked.show),
    )
    first = min(indices, key=lambda index: abs(index - shown))
    return interactive_html(stacks, over=asked.over, first=first, look=look)
