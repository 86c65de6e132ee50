"""Landscapes as files of numbers: npz, csv and json."""

import io
import json

import numpy as np

from gradviz.errors import UserError
from gradviz.landscape import GradientField, LandscapeRequest

SUFFIXES = (".npz", ".csv", ".json")
_ON_GRID = ("u", "v", "loss", "is_zero")
_FACTS = ("share_below", "num_rows", "x_active", "y_active")


def landscape_bytes(field: GradientField, request: LandscapeRequest, suffix: str) -> bytes:
    """The content of a file with this suffix, one of SUFFIXES."""
    match suffix:
        case ".npz":
            return _npz(field, request)
        case ".csv":
            return _csv(field)
        case ".json":
            return _json(field, request)
    raise UserError(f"A landscape is written as {', '.join(SUFFIXES)}, got {suffix!r}.")


def _npz(field: GradientField, request: LandscapeRequest) -> bytes:
    arrays = {name: getattr(field, name) for name in ("x", "y", *_ON_GRID, "zero_reason", *_FACTS)}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays, request=np.array(request.canonical()))
    return content.getvalue()


def _csv(field: GradientField) -> bytes:
    columns = ["x", "y", *_ON_GRID]
    return field.to_pandas()[columns].to_csv(index=False, lineterminator="\n").encode()


def _json(field: GradientField, request: LandscapeRequest) -> bytes:
    arrays = {name: getattr(field, name).tolist() for name in ("x", "y", *_ON_GRID, "zero_reason")}
    facts = {name: getattr(field, name) for name in _FACTS}
    return (json.dumps({"request": request.model_dump(), **arrays, **facts}, allow_nan=False) + "\n").encode()
