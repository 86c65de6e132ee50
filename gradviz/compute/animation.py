"""Landscapes as an animated picture: one frame an epoch or minibatch, all drawn on the same place by the same scale.

One frame at a time is in memory: it is drawn on one canvas for all, and written before the next one is.
"""

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata

from gradviz.compute.canvas import Bbox, FigureCanvasAgg, LinearSegmentedColormap, styled, to_rgb
from gradviz.compute.picture import Drawing, Inks, Shown, Strength, draw, figure_of

_DPI = {1: 110, 2: 100, 3: 80}  # by the number of pictures side by side: 880, 1600 and 1920 pixels wide
_MOST_COLOURS = 256  # that the format has
_HOLD_LAST = 4  # frames that the last one stays for, before it begins again
_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def drawn_frames(
    rows: Sequence[Sequence[Shown]], drawing: Drawing, *, share_scale: bool, fixed_colours: bool
) -> Iterator[Image.Image]:
    """One image for each row of pictures side by side, as they are drawn (about 0.1 s for each picture).

    Lengths are measured within a frame, as on the page; colours over all frames (`fixed_colours`) or within each.
    Pictures side by side are measured together (`share_scale`; differences apart from fields) or each for itself.
    """
    overall = _strengths(list(zip(*rows, strict=True)), share_scale)
    figure = figure_of(len(rows[0]), drawing)
    figure.set_dpi(_DPI[len(rows[0])])
    canvas = FigureCanvasAgg(figure)
    places: list[Bbox] | None = None
    for row in rows:
        strengths = _strengths([[shown] for shown in row], share_scale)
        if fixed_colours:
            strengths = [
                Strength(whole.low, whole.high, here.longest) for whole, here in zip(overall, strengths, strict=True)
            ]
        with styled(drawing.style):
            places = _draw(canvas, row, [drawing.measured_by(strength) for strength in strengths], places)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


class Gif:
    """A GIF that repeats for ever, written frame by frame; one palette for all frames, so that nothing flickers.

    A frame holds what has changed since the one before. `comment`: what a reader of the file finds in it.
    """

    def __init__(self, per_second: float, inks: Inks, comment: str = "") -> None:
        self._milliseconds = max(20, round(100 / per_second) * 10)  # the format counts in hundredths of a second
        self._palette = _palette(inks)
        self._comment = comment
        self._parts: list[bytes] = []
        self._last: Image.Image | None = None  # its time is known when it is known whether another one follows
        self._before: Image.Image | None = None
        self.num_bytes = 0

    def add(self, image: Image.Image) -> None:
        frame = image.quantize(palette=self._palette, dither=Image.Dither.NONE)
        if self._last is None:
            self._put(self._header(frame.size))
        else:
            self._write(self._milliseconds)
        self._last = frame

    def finish(self) -> bytes:
        """The whole file; the last frame stays a little longer. Needs a frame."""
        self._write(_HOLD_LAST * self._milliseconds)
        self._put(b";")
        return b"".join(self._parts)

    def _write(self, milliseconds: int) -> None:
        assert self._last is not None
        box = (0, 0, *self._last.size)
        if self._before is not None:
            # Without a change there is still a frame, of one point: it has its time.
            box = ImageChops.subtract_modulo(self._last, self._before).getbbox() or (0, 0, 1, 1)
        self._put(b"".join(getdata(self._last.crop(box), box[:2], duration=milliseconds)))
        self._before = self._last

    def _header(self, size: tuple[int, int]) -> bytes:
        colours = bytes(self._palette.getpalette("RGB") or []).ljust(3 * _MOST_COLOURS, b"\0")
        said = self._comment.encode("ascii", "replace")
        parts = [said[start : start + 255] for start in range(0, len(said), 255)]
        comment = b"\x21\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0" if parts else b""
        return b"GIF89a" + struct.pack("<HHBBB", *size, 0xF7, 0, 0) + colours + _FOR_EVER + comment

    def _put(self, part: bytes) -> None:
        self._parts.append(part)
        self.num_bytes += len(part)


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


def _strengths(columns: Sequence[Sequence[Shown]], together: bool) -> list[Strength]:
    """One for each column: its own, or that of all that show the same kind of arrows."""

    def alike(column: Sequence[Shown]) -> list[Shown]:
        shared = [other for other in columns if together and bool(other[0].minus) == bool(column[0].minus)]
        return [shown for other in shared or [column] for shown in other]

    return [Strength.of([shown.field for shown in alike(column)]) for column in columns]


def _draw(
    canvas: FigureCanvasAgg, row: Sequence[Shown], drawings: Sequence[Drawing], places: list[Bbox] | None
) -> list[Bbox]:
    """Draws one frame; returns where (in pixels) its axes are: where those of the first frame were."""
    figure = canvas.figure
    figure.clear()
    parts = figure.subfigures(1, len(row), squeeze=False)[0]
    for part, shown, drawing in zip(parts, row, drawings, strict=True):
        part.set_facecolor(drawing.inks.paper)
        draw(part, shown, drawing)
    if places is not None:
        figure.set_layout_engine("none")
        in_order = [(part, axes) for part in parts for axes in part.axes]
        for (part, axes), place in zip(in_order, places, strict=True):
            axes.set_position(place.transformed(part.transSubfigure.inverted()))
    canvas.draw()
    return places or [axes.get_window_extent().frozen() for part in parts for axes in part.axes]
