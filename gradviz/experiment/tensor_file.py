"""Tensors on disk in the safetensors format: never unpickles, and checks a file before using it.

Format: 8 bytes with the length of the header (little endian), the header (JSON: name, dtype, shape, offsets), the data.
https://huggingface.co/docs/safetensors/index#format
"""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated

import safetensors
import torch
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from gradviz.errors import shown
from gradviz.experiment.files import write_whole
from gradviz.experiment.outside import UnusableFile, open_outside, parse_json, reason_of

MAX_HEADER_BYTES = 1_000_000
MAX_BYTES = 16 * 2**30  # a billion weights with both moments of Adam have 8 GiB
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Those that gradviz writes and reads; it trains with float32 alone."""


@dataclass(frozen=True)
class TensorShape:
    """The required dtype and shape of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes the tensors, with texts in the header, whole or not at all. The same tensors give the same bytes."""
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # `safetensors.torch.save` does the same in four times the processor time, which it would take from a training.
    parts = {
        name: safetensors.TensorSpec(
            dtype=str(tensor.dtype).removeprefix("torch."),
            shape=tensor.shape,
            data_ptr=tensor.data_ptr(),
            data_len=tensor.nbytes,
        )
        for name, tensor in content.items()
    }
    write_whole(path, safetensors.serialize(parts, None if metadata is None else dict(metadata)))


def read_tensors(path: Path, expected: Mapping[str, TensorShape] | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a file, each in its own memory; raises UnusableFile if the file is not as `expected`.

    It reads each tensor directly to its place: `safetensors.torch.load` reads the whole file first and returns views
    into it, at addresses that no allocator would choose.
    """
    with _opened(path) as stream:
        header = _read_header(path, stream)
        check_header(path, header, expected)
        return {name: _read_tensor(path, stream, tensor) for name, tensor in header.items()}


def read_some_tensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, torch.Tensor]:
    """The tensors whose names are `wanted`, as `read_tensors`; passes over the others without reading them."""
    found = {}
    with _opened(path) as stream:
        for name, tensor in _read_header(path, stream).items():
            if wanted(name):
                found[name] = _read_tensor(path, stream, tensor)
            else:
                stream.seek(math.prod(tensor.shape) * tensor.dtype.itemsize, os.SEEK_CUR)
    return found


def read_header(path: Path) -> dict[str, TensorShape]:
    """Names, dtypes and shapes of a file's tensors, read from its first kilobytes; raises UnusableFile.

    Also checks that the file is as long as its header says, to detect a cut file without reading it.
    """
    with _opened(path) as stream:
        return _read_header(path, stream)


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in a file's header; raises UnusableFile if these are no texts. Check the header itself first."""
    with _opened(path) as stream:
        values = parse_json(stream.read(min(int.from_bytes(stream.read(8), "little"), MAX_HEADER_BYTES)), path)
    texts = values.get("__metadata__", {}) if isinstance(values, dict) else None
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise UnusableFile(path, "its header's metadata are not texts")
    return texts


def file_digest(path: Path) -> str:
    """Hex sha256 of a file's content, which may exceed the memory; raises UnusableFile."""
    with _opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    with open_outside(path, MAX_BYTES) as stream:
        try:
            yield stream
        except OSError as error:
            raise UnusableFile(path, reason_of(error)) from error


def check_header(path: Path, header: Mapping[str, TensorShape], expected: Mapping[str, TensorShape] | None) -> None:
    """Raises UnusableFile unless the header has exactly the `expected` tensors (None: any)."""
    if expected is None or header == expected:
        return
    wrapper = _wrapper(header, expected)
    if wrapper:
        raise UnusableFile(
            path,
            f"all its names begin with `{wrapper}`, as saved from a wrapped model ({wrapper}{min(expected)}), but this "
            f"run has {min(expected)}: save `model.{wrapper}state_dict()`, or remove `{wrapper}` from the names",
        )
    for name in sorted(expected.keys() | header.keys()):
        if name not in header:
            raise UnusableFile(path, f"it has no {name}")
        if name not in expected:
            raise UnusableFile(path, f"it has {shown(name)}, which this run does not have")
        if header[name] != expected[name]:
            here, there = header[name], expected[name]
            remedy = f": convert all with `.to({there.dtype})` and save them" if here.shape == there.shape else ""
            difference = f"{here.dtype} of shape {here.shape}, but this run has {there.dtype} of {there.shape}"
            raise UnusableFile(path, f"{name} is {difference}{remedy}")


def _wrapper(header: Mapping[str, TensorShape], expected: Mapping[str, TensorShape]) -> str:
    """The prefix that a wrapper of the model has put before all names, such as `module.`; or empty."""
    for name in header:
        prefix, dot, _ = name.partition(min(expected))
        if dot and prefix.endswith(".") and header.keys() == {prefix + own for own in expected}:
            return prefix
    return ""


def _read_header(path: Path, stream: BufferedReader) -> dict[str, TensorShape]:
    """Names, dtypes and shapes in the order of the data; leaves the stream at the start of the data."""
    size = os.fstat(stream.fileno()).st_size
    num_bytes = int.from_bytes(stream.read(8), "little")
    if size == 0:
        raise UnusableFile(path, "it is empty")
    if size < 8 or num_bytes > size - 8 or num_bytes > MAX_HEADER_BYTES:
        raise UnusableFile(path, f"its {size} bytes are not a complete safetensors file")
    entries = _header_entries(path, stream.read(num_bytes))
    end = 0
    for name, tensor, begin, stop in entries:
        if begin != end or stop - begin != math.prod(tensor.shape) * tensor.dtype.itemsize:
            raise UnusableFile(path, f"the offsets of {shown(name)} do not fit its shape")
        end = stop
    if 8 + num_bytes + end != size:
        raise UnusableFile(path, f"it has {size} bytes, but its header says {8 + num_bytes + end}")
    return {name: tensor for name, tensor, _, _ in entries}


def _read_tensor(path: Path, stream: BufferedReader, expected: TensorShape) -> torch.Tensor:
    tensor = torch.empty(expected.shape, dtype=expected.dtype)
    memory = tensor.view(-1).view(torch.uint8).numpy().data
    if stream.readinto(memory) != memory.nbytes:
        raise UnusableFile(path, "it was truncated during reading")
    return tensor


class _Entry(BaseModel):
    """A tensor's entry in the header. The bounds keep products of its lengths small."""

    dtype: str = Field(max_length=32)
    shape: list[Annotated[int, Field(ge=0, lt=2**40)]] = Field(max_length=8)
    data_offsets: list[Annotated[int, Field(ge=0, lt=2**60)]] = Field(min_length=2, max_length=2)


_HEADER = TypeAdapter(dict[str, _Entry])


def _header_entries(path: Path, text: bytes) -> list[tuple[str, TensorShape, int, int]]:
    """(name, tensor, first byte, byte after the last) in the order of the data."""
    try:
        entries = parse_json(text, path)
        if isinstance(entries, dict):
            entries.pop("__metadata__", None)
        entries = _HEADER.validate_python(entries, strict=True)
    except UnusableFile as error:
        raise UnusableFile(path, f"its header is not that of a safetensors file ({error.reason})") from error
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        reason = f"its header is not that of a safetensors file ({shown(where) or 'no object'})"
        raise UnusableFile(path, reason) from error
    tensors: list[tuple[str, TensorShape, int, int]] = []
    for name, entry in entries.items():
        if entry.dtype not in DTYPES:
            raise UnusableFile(
                path, f"{shown(name)} has the dtype {shown(entry.dtype)}, which gradviz does not support"
            )
        begin, stop = entry.data_offsets
        tensors.append((name, TensorShape(DTYPES[entry.dtype], tuple(entry.shape)), begin, stop))
    return sorted(tensors, key=lambda tensor: tensor[2:])
