"""The answer: a gradient landscape as arrays, with what is known of each arrow that is zero."""

import hashlib
import json
import struct
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import pandas as pd

# Shape suffixes: X/Y = grid columns/rows.

_MAGIC = b"gradviz1"
_DIGEST_BYTES = 16


class ZeroReason(IntEnum):
    """Why an arrow is zero; `NONE` where it is not."""

    NONE = 0
    BATCH_STATISTICS = 1
    SHARED_SIGN = 2
    DEAD_UNIT = 3
    NOT_REACHED = 4
    TERMS_CANCEL = 5


_MESSAGES = {
    ZeroReason.NONE: "The gradient is not zero.",
    ZeroReason.BATCH_STATISTICS: (
        "The gradient is exactly zero: the norm subtracts the minibatch mean, which takes this parameter out of the"
        " loss. Look at β or γ, or at eval mode."
    ),
    ZeroReason.SHARED_SIGN: (
        "The gradient is exactly zero: all residuals of the minibatch share a sign, and the norm above fixes the mean"
        " of the prediction."
    ),
    ZeroReason.DEAD_UNIT: "The gradient is exactly zero: the unit is dead, inactive on every row of the minibatch.",
    ZeroReason.NOT_REACHED: "The gradient is exactly zero: no active path leads from this unit to the output.",
    ZeroReason.TERMS_CANCEL: "The gradient is zero up to round-off: the terms of the rows cancel.",
}


def zero_message(reason: ZeroReason | int) -> str:
    """One sentence for the page."""
    return _MESSAGES[ZeroReason(reason)]


@dataclass(frozen=True)
class GradientField:
    """The gradient of the minibatch loss with respect to two parameters, on a grid of their values.

    `x` (X,), `y` (Y,) are the values of the two parameters (float64); `u` = ∂J/∂x, `v` = ∂J/∂y and `loss` = J, all
    (Y, X), are in units of the loss (per unit of the parameter). `is_zero` marks arrows that are zero up to round-off
    and `zero_reason` says why (`ZeroReason`). `share_below` is the share of the minibatch's `num_rows` rows predicted
    below their target at the centre; `x_active`, `y_active` the share on which the parameter's unit is active there.
    """

    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    loss: np.ndarray
    is_zero: np.ndarray
    zero_reason: np.ndarray
    share_below: float
    num_rows: int
    x_active: float
    y_active: float

    def __post_init__(self) -> None:
        shape = (len(self.y), len(self.x))
        for name in _ON_GRID:
            assert getattr(self, name).shape == shape, (name, getattr(self, name).shape, shape)

    @property
    def centre(self) -> tuple[float, float]:
        """(u, v) at the checkpoint itself."""
        j, i = len(self.y) // 2, len(self.x) // 2
        return float(self.u[j, i]), float(self.v[j, i])

    @property
    def magnitude(self) -> np.ndarray:
        return np.hypot(self.u, self.v)

    def to_dict(self) -> dict[str, dict[str, object]]:
        """In the layout of `xarray.Dataset.from_dict`: coords, data_vars and attrs with their dimension names."""
        grid = {name: getattr(self, name) for name in _ON_GRID}
        return {
            "coords": {"x": {"dims": ("x",), "data": self.x}, "y": {"dims": ("y",), "data": self.y}},
            "data_vars": {name: {"dims": ("y", "x"), "data": array} for name, array in grid.items()},
            "attrs": {name: getattr(self, name) for name in _SCALARS},
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row a grid point, x running fastest: columns x, y, u, v, loss, is_zero, zero_reason."""
        y_YX, x_YX = np.meshgrid(self.y, self.x, indexing="ij")
        columns = {"x": x_YX, "y": y_YX} | {name: getattr(self, name) for name in _ON_GRID}
        return pd.DataFrame({name: array.ravel() for name, array in columns.items()})

    def to_bytes(self) -> bytes:
        """A JSON header and the raw arrays behind a digest: what caches and wires carry (never a pickle)."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        header = json.dumps(
            {name: getattr(self, name) for name in _SCALARS}
            | {"arrays": [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]}
        ).encode()
        body = struct.pack("<I", len(header)) + header + b"".join(array.tobytes() for array in arrays.values())
        return _MAGIC + hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> "GradientField":
        """The inverse of `to_bytes`; `ValueError` if the bytes are torn, altered or of another version."""
        start = len(_MAGIC) + _DIGEST_BYTES
        body = data[start:]
        digest = hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()
        if not data.startswith(_MAGIC) or data[len(_MAGIC) : start] != digest:
            raise ValueError(f"These {len(data)} bytes are not a whole gradient field: compute it again.")
        (header_bytes,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + header_bytes])
        values = {name: header[name] for name in _SCALARS}
        offset = 4 + header_bytes
        for name, dtype, shape in header["arrays"]:
            array = np.frombuffer(body, np.dtype(dtype), count=int(np.prod(shape)), offset=offset).reshape(shape)
            values[name] = array
            offset += array.nbytes
        return cls(**values)


_ON_GRID = ("u", "v", "loss", "is_zero", "zero_reason")
_SCALARS = ("share_below", "num_rows", "x_active", "y_active")
_ARRAYS = tuple(field.name for field in fields(GradientField) if field.name not in _SCALARS)
