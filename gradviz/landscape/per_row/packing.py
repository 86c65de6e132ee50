"""Answers of bytes: a JSON header, and arrays."""

import json
import struct

import numpy as np


def packed(header: dict[str, object], *arrays: np.ndarray) -> bytes:
    """The header's length as a little-endian uint32, the header as JSON, padded with spaces so that what follows begins
    at a multiple of four, and the bytes of the arrays, whose types say how. ValueError for nan in the header."""
    told = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    told += b" " * (-len(told) % 4)
    return struct.pack("<I", len(told)) + told + b"".join(array.tobytes() for array in arrays)
