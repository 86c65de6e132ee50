"""Many gradient fields in one answer: a stream of length-prefixed blocks that a browser decodes without a library.

The stream is a sequence of blocks, each a little-endian uint32 (its length in bytes) and the block itself. The first
block is JSON that says what all frames share. Every further one is a *frame*: a uint32 (the length of the JSON that
follows, a multiple of 4), that JSON, then - unless it has an `error` - float32 u, v, loss and uint8 is_zero and
zero_reason, each (Y, X) with x running fastest. Where one component alone is zero up to round-off, `zero_parts` in the
JSON has a bit for each point, of u and of v, in the same order, the lowest of each byte first, as hexadecimal digits.
`assets/page/frames.js` and `assets/pure/frame.js` read it.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from gradviz.drawing.labels import reasons_of_all_zero, zeros_alone
from gradviz.landscape.field import GradientField, json_number, zero_message


def stream(header: dict[str, object], frames: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks of an answer, each as soon as its frame is there."""
    return prefixed(_chain(json.dumps(header).encode(), frames))


def prefixed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Each block with its length before it."""
    for block in blocks:
        yield struct.pack("<I", len(block)) + block


def gzipped(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The stream with `Content-Encoding: gzip`, each block readable as soon as it is sent.

    A landscape is piecewise linear, its numbers repeat: eval-mode frames shrink to a tenth and less.
    """
    packer = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)
    for block in blocks:
        yield packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def frame_of(index: int, kept: bytes) -> bytes:
    """As `frame`, of the bytes of a field that a cache kept and checked: its numbers are sent as they lie there."""
    return frame(index, GradientField.from_bytes(kept, is_checked=True))


def frame(index: int, field: GradientField) -> bytes:
    """One frame: the field at epoch (or of minibatch) `index`."""
    about = {
        "index": index,
        "x": float(field.x[len(field.x) // 2]),
        "y": float(field.y[len(field.y) // 2]),
        "share_below": json_number(field.share_below),
        "num_rows": field.num_rows,
        "x_active": json_number(field.x_active),
        "y_active": json_number(field.y_active),
        "num_unresolved": field.num_unresolved,
        **field.told(),
    }
    reasons = reasons_of_all_zero(field)
    if reasons and reasons[0] != reasons[1]:  # of a single reason, the page has the sentence
        about["zero_words"] = zero_message(*reasons)
    if parts := _zero_parts(field):
        about["zero_parts"] = parts
    numbers = [np.ascontiguousarray(array, "<f4") for array in (field.u, field.v, field.loss)]
    marks = [np.ascontiguousarray(array).view("u1") for array in (field.is_zero, field.zero_reason)]
    return b"".join([_with_header(about), *(array.data for array in numbers + marks)])


def _zero_parts(field: GradientField) -> dict[str, str]:
    """Where one component is zero and the other is not; empty if there is no such point."""
    parts = zeros_alone(field)
    if not any(part.any() for part in parts):
        return {}
    return {n: np.packbits(part, bitorder="little").tobytes().hex() for n, part in zip("uv", parts, strict=True)}


def missing_frame(index: int, reason: str, *, later: bool = False) -> bytes:
    """A frame that says why there is no field at `index`; `later`: nor at those that follow, and to ask again."""
    about: dict[str, object] = {"index": index, "error": reason}
    return _with_header(about | {"later": True} if later else about)


def nearest_first(indices: Iterable[int], first: int) -> list[int]:
    """The order in which a reader who looks at `first` wants them: it, then its neighbours outwards."""
    return sorted(indices, key=lambda index: (abs(index - first), index < first))


def _with_header(about: dict[str, object]) -> bytes:
    text = json.dumps(about).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text


def _chain(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
