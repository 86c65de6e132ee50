"""A GIF, written frame by frame in one palette."""

import struct

import numpy as np
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata

from gradviz.drawing.canvas import LinearSegmentedColormap, to_rgb
from gradviz.drawing.choices import Under
from gradviz.drawing.inks import Palette
from gradviz.drawing.relief import shaded

_MOST_COLOURS = 255  # of the 256 that the format has
_SAME = 255  # the one left: a transparent point, which stays as it was
_HOLD_LAST = 4  # frames that the last one stays for, before it begins again
_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


class Gif:
    """A GIF that repeats for ever, written frame by frame; one palette for all frames, so that nothing flickers.

    A frame holds what has changed since the one before. `colours`: any image with the palette, as of `colours_of`;
    `comment`: what a reader of the file finds in it.
    """

    def __init__(self, per_second: float, colours: Image.Image, comment: str = "") -> None:
        self._milliseconds = max(20, round(100 / per_second) * 10)  # the format counts in hundredths of a second
        self._colours = colours
        self._comment = comment
        self._parts: list[bytes] = []
        self._last: Image.Image | None = None  # its time is known when it is known whether another one follows
        self._before: Image.Image | None = None
        self.num_bytes = 0

    def add(self, image: Image.Image) -> None:
        frame = image.quantize(palette=self._colours, dither=Image.Dither.NONE)
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
        frame, box = self._last, (0, 0, *self._last.size)
        if self._before is not None:
            changes = ImageChops.subtract_modulo(self._last, self._before)
            # Without a change there is still a frame, of one point: it has its time.
            box = changes.getbbox() or (0, 0, 1, 1)
            # Long runs of one colour take little room.
            frame = self._last.copy()
            frame.paste(_SAME, mask=changes.point([255] + [0] * 255, "L"))
        # Disposal 1: what is not drawn anew stays.
        self._put(b"".join(getdata(frame.crop(box), box[:2], duration=milliseconds, transparency=_SAME, disposal=1)))
        self._before = self._last

    def _header(self, size: tuple[int, int]) -> bytes:
        colours = bytes(self._colours.getpalette("RGB") or []).ljust(3 * (_MOST_COLOURS + 1), b"\0")
        said = self._comment.encode("ascii", "replace")
        parts = [said[start : start + 255] for start in range(0, len(said), 255)]
        comment = b"\x21\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0" if parts else b""
        return b"GIF89a" + struct.pack("<HHBBB", *size, 0xF7, 0, 0) + colours + _FOR_EVER + comment

    def _put(self, part: bytes) -> None:
        self._parts.append(part)
        self.num_bytes += len(part)


def colours_of(palette: Palette, under: Under = "heat", *, num_shades: int = 56, num_loss: int = 45) -> Image.Image:
    """The colours of a drawing, and these fading into the paper at the edges of lines; `num_shades` of the arrows."""
    greys = shaded(palette) if under == "surface" else palette.loss
    arrows, loss = (LinearSegmentedColormap.from_list("", stops) for stops in (palette.arrows, greys))
    shades = arrows(np.linspace(0, 1, num_shades))[:, :3]
    marks = (palette.ink, palette.faint, palette.centre, palette.contour, palette.zero, *palette.probe.values())
    texts = np.array([to_rgb(colour) for colour in dict.fromkeys(marks)])
    paper, grid = (np.array(to_rgb(colour)) for colour in (palette.paper, palette.grid))
    faded = [colours * share + paper * (1 - share) for colours, share in [(shades, 0.7), (shades, 0.4)]]
    faded += [texts * share + paper * (1 - share) for share in (0.8, 0.6, 0.4, 0.2)]
    colours = np.vstack([paper, grid, texts, shades, *faded, loss(np.linspace(0, 1, num_loss))[:, :3]])
    assert len(colours) <= _MOST_COLOURS
    image = Image.new("P", (1, 1))
    image.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return image
