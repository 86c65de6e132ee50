"""Landscapes, and minibatches, as files of numbers: npz, csv and json."""

import io
import json
import zipfile
from collections.abc import Mapping

import numpy as np

from gradviz.errors import UserError
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.field import json_number

SUFFIXES = (".npz", ".csv", ".json")
_ON_GRID = ("u", "v", "loss", "is_zero")
_ROWS_AT_ONCE = 500
_REASONS = ("zero_reason", "u_reason", "v_reason")
_FACTS = ("share_below", "num_rows", "x_active", "y_active", "num_unresolved")


def landscape_bytes(field: GradientField, request: LandscapeRequest, suffix: str) -> bytes:
    """The content of a file with this suffix, one of SUFFIXES."""
    match suffix:
        case ".npz":
            return _npz(field, request)
        case ".csv":
            return _csv(field)
        case ".json":
            return _json(field, request)
    raise UserError(f"A landscape's file must end in {', '.join(SUFFIXES)}, got {suffix!r}.")


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """As `numpy.savez_compressed`, for any names: that takes no array with the name `file`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, array in arrays.items():
            with packed.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
    return content.getvalue()


def _npz(field: GradientField, request: LandscapeRequest) -> bytes:
    arrays = {name: getattr(field, name) for name in ("x", "y", *_ON_GRID, *_REASONS, *_FACTS)}
    arrays |= {name: np.array(_text(value)) for name, value in field.told().items()}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays, request=np.array(request.canonical()))
    return content.getvalue()


def _csv(field: GradientField) -> bytes:
    columns = ["x", "y", *_ON_GRID]
    written = field.to_pandas()[columns].to_csv(index=False, lineterminator="\n", chunksize=_ROWS_AT_ONCE)
    return written.encode()


def _json(field: GradientField, request: LandscapeRequest) -> bytes:
    arrays = [*((name, _rows(getattr(field, name))) for name in ("x", "y", *_ON_GRID, *_REASONS))]
    facts = [(name, _text(json_number(getattr(field, name)))) for name in _FACTS]
    facts += [(name, _text(value)) for name, value in field.told().items()]
    members = [("request", _text(request.model_dump())), *arrays, *facts]
    return ("{" + ", ".join(f"{_text(name)}: {text}" for name, text in members) + "}\n").encode()


def _rows(array: np.ndarray) -> str:
    """Like `_text`, but row by row: a whole grid at once would block all other threads."""
    return _text(array.tolist()) if array.ndim == 1 else f"[{', '.join(_text(row.tolist()) for row in array)}]"


def _text(value: object) -> str:
    return json.dumps(value, allow_nan=False)
