"""Landscapes as an animated picture: one frame an epoch or minibatch, all drawn on the same place by the same scale."""

import io
from collections.abc import Iterator, Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.transforms import Bbox
from PIL import Image

from gradviz.compute.picture import Drawing, Inks, Strength, draw, figure_of
from gradviz.landscape import GradientField, LandscapeRequest

Shown = tuple[GradientField, LandscapeRequest]
"""One picture of a frame."""

_DPI = {1: 110, 2: 100, 3: 80}  # by the number of pictures side by side: 880, 1600 and 1920 pixels wide
_MOST_COLOURS = 256  # that the format has
_HOLD_LAST = 4  # frames that the last one stays for, before it begins again


def drawn_frames(
    rows: Sequence[Sequence[Shown]], drawing: Drawing, *, share_scale: bool, fixed_colours: bool
) -> Iterator[Image.Image]:
    """One image for each row of pictures side by side, as they are drawn (about 0.1 s for each picture).

    Lengths are measured within a frame, as on the page; colours over all frames (`fixed_colours`) or within each.
    Pictures side by side are measured together (`share_scale`) or each for itself.
    """
    overall = _strengths([[field for field, _ in column] for column in zip(*rows, strict=True)], share_scale)
    places: list[Bbox] | None = None
    for row in rows:
        strengths = _strengths([[field] for field, _ in row], share_scale)
        if fixed_colours:
            strengths = [
                Strength(whole.low, whole.high, here.longest) for whole, here in zip(overall, strengths, strict=True)
            ]
        image, places = _drawn(row, [drawing.measured_by(strength) for strength in strengths], places)
        yield image


def gif_bytes(images: Sequence[Image.Image], per_second: float, inks: Inks) -> bytes:
    """A GIF of `drawn_frames` that repeats for ever; one palette for all frames, so that nothing flickers."""
    palette = _palette(inks)
    first, *others = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    milliseconds = max(20, round(100 / per_second) * 10)  # the format counts in hundredths of a second
    durations = [milliseconds] * len(others) + [milliseconds * _HOLD_LAST]
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return content.getvalue()


def _palette(inks: Inks) -> Image.Image:
    """The colours of the drawing, and these fading into the paper at the edges of lines."""
    arrows, loss = (LinearSegmentedColormap.from_list("", stops) for stops in (inks.arrows, inks.loss))
    ramp = arrows(np.linspace(0, 1, 56))[:, :3]
    texts = np.array([to_rgb(colour) for colour in (inks.ink, inks.faint, inks.centre, inks.contour)])
    paper = np.array(to_rgb(inks.paper))
    faded = [colours * share + paper * (1 - share) for colours, share in [(ramp, 0.7), (ramp, 0.4)]]
    faded += [texts * share + paper * (1 - share) for share in (0.8, 0.6, 0.4, 0.2)]
    colours = np.vstack([paper, texts, ramp, *faded, loss(np.linspace(0, 1, 48))[:, :3]])
    assert len(colours) <= _MOST_COLOURS
    image = Image.new("P", (1, 1))
    image.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return image


def _strengths(columns: Sequence[Sequence[GradientField]], together: bool) -> list[Strength]:
    """One for each column: its own, or that of all."""
    if together:
        return [Strength.of([field for column in columns for field in column])] * len(columns)
    return [Strength.of(column) for column in columns]


def _drawn(
    row: Sequence[Shown], drawings: Sequence[Drawing], places: list[Bbox] | None
) -> tuple[Image.Image, list[Bbox]]:
    """The image of one frame, and where (in pixels) its axes are: where those of the first frame were."""
    with matplotlib.rc_context(drawings[0].style):
        figure = figure_of(len(row), drawings[0])
        figure.set_dpi(_DPI[len(row)])
        parts = figure.subfigures(1, len(row), squeeze=False)[0]
        for part, (field, request), drawing in zip(parts, row, drawings, strict=True):
            part.set_facecolor(drawing.inks.paper)
            draw(part, field, request, drawing)
        if places is not None:
            figure.set_layout_engine("none")
            in_order = [(part, axes) for part in parts for axes in part.axes]
            for (part, axes), place in zip(in_order, places, strict=True):
                axes.set_position(place.transformed(part.transSubfigure.inverted()))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
        return image, places or [axes.get_window_extent().frozen() for part in parts for axes in part.axes]
