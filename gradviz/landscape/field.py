"""A gradient landscape as arrays, with the reason for each zero arrow."""

import hashlib
import json
import math
import struct
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd

import gradviz
from gradviz.experiment.facts import Fact
from gradviz.landscape.directions.told import PlaneFacts
from gradviz.landscape.request import LandscapeSpec

# Shape suffixes: X/Y = grid columns/rows.

_MAGIC = b"gradviz2"
_DIGEST_BYTES = 16


class ZeroReason(IntEnum):
    """Why an arrow is zero; `NONE` if it is not."""

    NONE = 0
    BATCH_STATISTICS = 1
    SHARED_SIGN = 2
    DEAD_UNIT = 3
    NOT_REACHED = 4
    TERMS_CANCEL = 5
    DROPPED = 6
    ROW_STATISTICS = 7
    KEYS = 8
    SOFTMAX = 9
    LOGITS = 10
    INPUT_IS_ZERO = 11
    NOT_LOOKED_UP = 12


_MESSAGES = {
    ZeroReason.NONE: "The gradient is not zero.",
    ZeroReason.BATCH_STATISTICS: (
        "The gradient is exactly zero: a norm subtracts the minibatch mean, which removes this parameter from the"
        " loss. Look at β or γ, or use eval mode."
    ),
    ZeroReason.SHARED_SIGN: (
        "The gradient is exactly zero: all residuals of the minibatch share a sign, and the norm above fixes the mean"
        " of the prediction."
    ),
    ZeroReason.DEAD_UNIT: (
        "The gradient is exactly zero: the unit is inactive on every row of this minibatch. On other rows it may be"
        " active."
    ),
    ZeroReason.NOT_REACHED: (
        "The gradient is exactly zero: no row has an active path through this parameter to the output."
    ),
    ZeroReason.TERMS_CANCEL: "The gradient is zero up to round-off: the terms of the rows cancel.",
    ZeroReason.DROPPED: (
        "The gradient is exactly zero under these masks: they drop the unit on every row on which it is active. With"
        " other masks it is not."
    ),
    ZeroReason.ROW_STATISTICS: (
        "The gradient is exactly zero: a norm subtracts the mean of each row, which removes this parameter from the"
        " loss."
    ),
    ZeroReason.KEYS: (
        "The gradient is exactly zero: this parameter shifts the keys of attention, and so all scores of a query alike,"
        " which the softmax over the keys removes."
    ),
    ZeroReason.SOFTMAX: (
        "The gradient is exactly zero: this parameter shifts all inputs of a softmax alike, which removes it, as it"
        " removes the biases of attention's keys."
    ),
    ZeroReason.LOGITS: (
        "The gradient is exactly zero: this parameter shifts all logits of a row alike, which the softmax in the loss"
        " removes."
    ),
    ZeroReason.INPUT_IS_ZERO: (
        "The gradient is exactly zero: the input that this weight multiplies is zero on every row of this minibatch."
    ),
    ZeroReason.NOT_LOOKED_UP: (
        "The gradient is exactly zero: no row of this minibatch looks this entry of the embedding up."
    ),
}


def zero_message(reason: ZeroReason | int, other: ZeroReason | int | None = None) -> str:
    """One sentence for the page; one for each component (first ∂J/∂x) if the two have different reasons."""
    if other is None or other == reason:
        return _MESSAGES[ZeroReason(reason)]
    x, y = (_MESSAGES[ZeroReason(code)].removeprefix("The gradient ") for code in (reason, other))
    return f"∂J/∂x {x} ∂J/∂y {y}"


@dataclass(frozen=True)
class GradientField:
    """The gradient of the minibatch loss with respect to two parameters, on a grid of their values.

    `x` (X,), `y` (Y,) are the values of the two parameters (float64); `u` = ∂J/∂x, `v` = ∂J/∂y and `loss` = J, all
    (Y, X), are in units of the loss (per unit of the parameter). `is_zero` marks arrows that are zero up to round-off,
    and `zero_reason` says why (`ZeroReason`), with the smaller code if the two components differ; `u_reason` and
    `v_reason` give the reason of each component, even if the other is not zero. `num_unresolved` arrows have a
    component within float32's rounding error, replaced by float64's number.

    `share_below` is the share of the minibatch's `num_rows` rows predicted below their target at the centre, with the
    masks of that point (for averaged masks the mean over the sets); `x_active`, `y_active` the share on which the
    parameter's unit is active there. These three are nan where they have no meaning; then `facts` are what the study
    tells of the minibatch at the centre.

    `method` computed the field; `passed_over` says for each quicker one why it was not used. On a plane of directions
    `x`, `y` are coordinates, the checkpoint's are 0, u and v are the derivatives by them, and `plane` tells of it.
    `spec` is what was asked for, and `draws_masks` whether masks were drawn; neither is in the bytes.
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
    u_reason: np.ndarray = None  # pyright: ignore[reportAssignmentType]
    v_reason: np.ndarray = None  # pyright: ignore[reportAssignmentType]
    num_unresolved: int = 0
    facts: tuple[Fact, ...] = ()
    method: str = "engine"
    passed_over: tuple[str, ...] = ()
    plane: PlaneFacts | None = None
    spec: LandscapeSpec | None = None
    draws_masks: bool = False

    def __post_init__(self) -> None:
        for name in ("u_reason", "v_reason"):
            if getattr(self, name) is None:  # both components share the arrow's reason
                object.__setattr__(self, name, self.zero_reason)
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
        """One row per grid point, x running fastest: columns x, y, u, v, loss, is_zero and the reasons."""
        y_YX, x_YX = np.meshgrid(self.y, self.x, indexing="ij")
        columns = {"x": x_YX, "y": y_YX} | {name: getattr(self, name) for name in _ON_GRID}
        return pd.DataFrame({name: array.ravel() for name, array in columns.items()})

    def _repr_html_(self) -> str:
        """What a notebook shows: a still picture, drawn by a room above this one, which `gradviz` finds when asked."""
        return gradviz.field_html(self)

    def to_bytes(self) -> bytes:
        """A digest, a JSON header and the raw arrays, for caches and messages (never a pickle)."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        header = json.dumps(
            {name: json_number(getattr(self, name)) for name in _SCALARS}
            | self.told()
            | {"arrays": [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]}
        ).encode()
        body = struct.pack("<I", len(header)) + header + b"".join(array.tobytes() for array in arrays.values())
        return _MAGIC + _digest(body) + body

    def told(self) -> dict[str, object]:
        """What fields of the engine do not have: their bytes are as they were before there was anything else."""
        told = {"method": self.method, "passed_over": self.passed_over, "facts": [asdict(fact) for fact in self.facts]}
        told |= {} if self.plane is None else {"plane": asdict(self.plane)}
        return {} if self.method == "engine" else told

    @classmethod
    def from_bytes(cls, data: bytes, *, is_checked: bool = False) -> "GradientField":
        """The inverse of `to_bytes`; the arrays are views of these bytes. `ValueError` if the bytes are torn, altered
        or of another version; `is_checked` skips that if their store has checked it."""
        start = len(_MAGIC) + _DIGEST_BYTES
        body = memoryview(data)[start:]
        if not data.startswith(_MAGIC) or not (is_checked or data[len(_MAGIC) : start] == _digest(body)):
            raise ValueError(f"These {len(data)} bytes are not a complete gradient field: compute it again.")
        (header_bytes,) = struct.unpack_from("<I", body)
        header = json.loads(bytes(body[4 : 4 + header_bytes]))
        values: dict[str, Any] = {name: math.nan if header[name] is None else header[name] for name in _SCALARS}
        values |= {"method": header.get("method", "engine"), "passed_over": tuple(header.get("passed_over", ()))}
        values["facts"] = tuple(Fact(**fact) for fact in header.get("facts", ()))
        values["plane"] = PlaneFacts.from_dict(header["plane"]) if "plane" in header else None
        offset = 4 + header_bytes
        for name, dtype, shape in header["arrays"]:
            array = np.frombuffer(body, np.dtype(dtype), count=int(np.prod(shape)), offset=offset).reshape(shape)
            values[name] = array
            offset += array.nbytes
        return cls(**values)


def json_number(value: float) -> float | None:
    """A number for JSON, which has no nan."""
    return None if math.isnan(value) else value


def _digest(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()


_ON_GRID = ("u", "v", "loss", "is_zero", "zero_reason", "u_reason", "v_reason")
_SCALARS = ("share_below", "num_rows", "x_active", "y_active", "num_unresolved")
_TOLD = ("facts", "method", "passed_over", "plane")
_ASKED = ("spec", "draws_masks")
_ARRAYS = tuple(field.name for field in fields(GradientField) if field.name not in (*_SCALARS, *_TOLD, *_ASKED))
