"""Films beside the GIF: animated WebP, in all colours, and MP4, which the program ffmpeg writes."""

import io
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Protocol

from PIL import Image, ImageChops

from gradviz.drawing.choices import Film, Under
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.inks import Palette
from gradviz.errors import UserError

FFMPEG = "ffmpeg"
_HOLD_LAST = 4  # frames that the last one stays for
_MOST_SECONDS = 300.0
_ASK_SECONDS = 0.5  # between two looks whether anybody still waits

StillWanted = Callable[[], bool]


class Writer(Protocol):
    """What frames are given to, one by one and all of one size; `num_bytes`: of the file so far."""

    num_bytes: int

    def add(self, image: Image.Image) -> None: ...

    def finish(self) -> bytes: ...


def film_of(
    kind: Film,
    per_second: int,
    palette: Palette,
    under: Under,
    comment: str,
    still_wanted: StillWanted = lambda: True,
) -> Writer:
    """`UserError` for an mp4 where there is no ffmpeg. `still_wanted`: polled while another program writes."""
    match kind:
        case "gif":
            return Gif(per_second, colours_of(palette, under), comment)
        case "webp":
            return Webp(per_second, comment)
        case "mp4":
            return Mp4(per_second, comment, still_wanted)


def check_film(kind: str) -> None:
    """`UserError` before the work if the file could not be written."""
    if kind == "mp4" and shutil.which(FFMPEG) is None:
        raise UserError(
            f"mp4 needs the program `{FFMPEG}`, which is not installed here",
            f"install it (Debian: apt-get install {FFMPEG}), or choose webp or gif",
        )


class Webp:
    """An animated WebP without loss that repeats for ever. A frame holds the box that has changed since the one before.

    The container: https://developers.google.com/speed/webp/docs/riff_container.
    """

    def __init__(self, per_second: float, comment: str = "") -> None:
        self._milliseconds = round(1000 / per_second)
        self._comment = comment
        self._frames: list[bytes] = []
        self._last: Image.Image | None = None
        self._size = (0, 0)
        self.num_bytes = 0

    def add(self, image: Image.Image) -> None:
        frame, box = image.convert("RGB"), (0, 0, *image.size)
        if self._last is None:
            self._size = image.size
        else:
            found = ImageChops.difference(frame, self._last).getbbox() or (0, 0, 1, 1)
            box = (found[0] & ~1, found[1] & ~1, found[2], found[3])  # the format counts corners in twos
        self._last = frame
        self._frames.append(_frame(frame.crop(box), box[:2], self._milliseconds))
        self.num_bytes += len(self._frames[-1])

    def finish(self) -> bytes:
        """The whole file. Needs a frame."""
        last = bytearray(self._frames[-1])
        last[20:23] = _three(_HOLD_LAST * self._milliseconds)
        about = _chunk(b"XMP ", _xmp(self._comment)) if self._comment else b""
        flags = 0x02 | (0x04 if about else 0)
        head = _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + b"".join(_three(side - 1) for side in self._size))
        body = head + _chunk(b"ANIM", b"\xff\xff\xff\xff\0\0") + b"".join([*self._frames[:-1], bytes(last)]) + about
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _frame(image: Image.Image, at: tuple[int, int], milliseconds: int) -> bytes:
    content = io.BytesIO()
    image.save(content, format="WEBP", lossless=True, quality=60, method=2)
    place = _three(at[0] // 2) + _three(at[1] // 2) + b"".join(_three(side - 1) for side in image.size)
    pixels = content.getvalue()[12:]  # without the container of a still picture
    return _chunk(b"ANMF", place + _three(milliseconds) + b"\x02" + pixels)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def _xmp(comment: str) -> bytes:
    said = comment.replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{said}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    ).encode()


class Mp4:
    """An MP4 (H.264), which plays once in browsers, slides and telephones; its frames wait on disk for ffmpeg."""

    def __init__(self, per_second: int, comment: str = "", still_wanted: StillWanted = lambda: True) -> None:
        check_film("mp4")
        self._per_second, self._comment, self._still_wanted = per_second, comment, still_wanted
        self._folder = tempfile.TemporaryDirectory(prefix="gradviz-film-")
        self._num_frames = 0
        self.num_bytes = 0  # known at the end alone

    def add(self, image: Image.Image) -> None:
        image.save(Path(self._folder.name) / f"{self._num_frames:04}.png", compress_level=1)
        self._num_frames += 1

    def finish(self) -> bytes:
        """The whole file; the same frames give the same bytes. `UserError` if this ffmpeg cannot write H.264."""
        with self._folder as folder:
            out = Path(folder) / "film.mp4"
            command = [
                FFMPEG, "-nostdin", "-v", "error", "-framerate", str(self._per_second), "-i", f"{folder}/%04d.png",
                # H.264 takes even sides; the last frame stays a little longer.
                "-vf", f"pad=ceil(iw/2)*2:ceil(ih/2)*2,tpad=stop_mode=clone:stop={_HOLD_LAST - 1}",
                "-c:v", "libx264", "-preset", "medium", "-crf", "16", "-pix_fmt", "yuv420p", "-threads", "1",
                "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
                "-metadata", f"comment={self._comment}", str(out),
            ]  # fmt: skip
            status, said = self._run(command)
            if status:
                reason = (said.decode("utf-8", "replace").strip().splitlines() or ["no reason told"])[-1]
                raise UserError(f"`{FFMPEG}` did not write the mp4: {reason}", "choose webp or gif")
            return out.read_bytes()

    def _run(self, command: list[str]) -> tuple[int, bytes]:
        """Its status and what it complains of; it is ended once nobody waits for the film."""
        until = monotonic() + _MOST_SECONDS
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as program:
            while True:
                try:
                    _, said = program.communicate(timeout=_ASK_SECONDS)
                    return program.returncode, said
                except subprocess.TimeoutExpired:
                    if self._still_wanted() and monotonic() < until:
                        continue
                    program.kill()
                    raise UserError(
                        f"`{FFMPEG}` took longer than {_MOST_SECONDS:.0f} s, or than anybody waited",
                        "export fewer frames",
                    ) from None
