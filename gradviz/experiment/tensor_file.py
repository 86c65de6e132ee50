"""Tensors on disk in the safetensors format: nothing is unpickled, and a file is checked before it is believed.

Format: 8 bytes with the length of the header (little endian), the header (JSON: name, dtype, shape, offsets), the data.
https://huggingface.co/docs/safetensors/index#format
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import safetensors.torch
import torch

from gradviz.experiment.files import BrokenFile, write_whole

MAX_HEADER_BYTES = 1_000_000
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}


@dataclass(frozen=True)
class TensorShape:
    """What a tensor must look like before it is read."""

    dtype: torch.dtype
    shape: tuple[int, ...]


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes the tensors whole or not at all. The same tensors give the same bytes."""
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, safetensors.torch.save(content))


def read_tensors(path: Path, expected: Mapping[str, TensorShape] | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a file, in memory of their own; raises BrokenFile when the file is not what is `expected`.

    Each is read to where it stays: `safetensors.torch.load` takes the whole file first and gives views into it, at
    addresses that no allocator would choose.
    """
    try:
        with open(path, "rb") as stream:
            header = _read_header(path, stream)
            check_header(path, header, expected)
            return {name: _read_tensor(path, stream, tensor) for name, tensor in header.items()}
    except OSError as error:
        raise BrokenFile(path, error.strerror or str(error)) from error


def read_bytes(path: Path) -> bytes:
    """The content of a file; raises BrokenFile when there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenFile(path, error.strerror or str(error)) from error


def read_header(path: Path) -> dict[str, TensorShape]:
    """Names, dtypes and shapes of a file's tensors, read from its first kilobytes; raises BrokenFile.

    Also checks that the file is as long as its header says, so that a cut file is found without reading it.
    """
    try:
        with open(path, "rb") as stream:
            return _read_header(path, stream)
    except OSError as error:
        raise BrokenFile(path, error.strerror or str(error)) from error


def check_header(path: Path, header: Mapping[str, TensorShape], expected: Mapping[str, TensorShape] | None) -> None:
    """Raises BrokenFile unless the header has exactly the `expected` tensors (None: any)."""
    if expected is None or header == expected:
        return
    for name in sorted(expected.keys() | header.keys()):
        if name not in header:
            raise BrokenFile(path, f"it has no {name}")
        if name not in expected:
            raise BrokenFile(path, f"it has {name}, which is not of this run")
        if header[name] != expected[name]:
            here, there = header[name], expected[name]
            raise BrokenFile(
                path, f"{name} is {here.dtype} of shape {here.shape}, but this run has {there.dtype} of {there.shape}"
            )


def _read_header(path: Path, stream: BufferedReader) -> dict[str, TensorShape]:
    """Names, dtypes and shapes in the order of the data, which the stream then stands before."""
    length = stream.read(8)
    size = os.fstat(stream.fileno()).st_size
    return _parse_header(path, length, stream.read(min(_header_length(length), MAX_HEADER_BYTES)), size)


def _read_tensor(path: Path, stream: BufferedReader, expected: TensorShape) -> torch.Tensor:
    tensor = torch.empty(expected.shape, dtype=expected.dtype)
    memory = tensor.view(-1).view(torch.uint8).numpy().data
    if stream.readinto(memory) != memory.nbytes:
        raise BrokenFile(path, "it was cut while it was read")
    return tensor


def _header_length(length: bytes) -> int:
    return int.from_bytes(length, "little")


def _parse_header(path: Path, length: bytes, rest: bytes, size: int) -> dict[str, TensorShape]:
    num_bytes = _header_length(length)
    if size == 0:
        raise BrokenFile(path, "it is empty")
    if size < 8 or num_bytes > size - 8 or num_bytes > MAX_HEADER_BYTES:
        raise BrokenFile(path, f"its {size} bytes are not a safetensors file, or a part of one")
    try:
        entries = _header_entries(rest[:num_bytes])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenFile(path, "its header is not one of a safetensors file") from error
    end = 0
    for name, tensor, begin, stop in entries:
        if begin != end or stop - begin != math.prod(tensor.shape) * tensor.dtype.itemsize:
            raise BrokenFile(path, f"the offsets of {name} do not fit its shape")
        end = stop
    if 8 + num_bytes + end != size:
        raise BrokenFile(path, f"it has {size} bytes, but its header speaks of {8 + num_bytes + end}")
    return {name: tensor for name, tensor, _, _ in entries}


def _header_entries(text: bytes) -> list[tuple[str, TensorShape, int, int]]:
    """(name, tensor, first byte, byte after the last) in the order of the data."""
    entries = json.loads(text)
    entries.pop("__metadata__", None)
    tensors = []
    for name, entry in entries.items():
        begin, stop = (int(offset) for offset in entry["data_offsets"])
        shape = tuple(int(length) for length in entry["shape"])
        if min(shape, default=0) < 0:
            raise ValueError("negative length")
        tensors.append((name, TensorShape(_DTYPES[entry["dtype"]], shape), begin, stop))
    return sorted(tensors, key=lambda tensor: tensor[2:])
