"""Unpacks tables in gzip, bzip2, xz, zstd, zip and tar, recognised by content, not by name, and bounded."""

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from gradviz.experiment.studies.deliveries.archive import from_tar, from_zip, too_large
from gradviz.experiment.studies.deliveries.foreign import NotATable, refuse_binary

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGEST = 256 * 1024**2
"""Limit of a table's bytes, packed and unpacked: three million rows of the nine columns."""
_PIECE, _MOST_AT_ONCE = 1 << 16, 1 << 20
_MOST_LAYERS = 2  # such as a tar archive within gzip
_DICTIONARY_BYTES = 1 << 28
_COPY = "copy or download it again"


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor of one gzip member, checked by sum and length, with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _zstd() -> _Decompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 28})


@dataclass(frozen=True)
class _Packing:
    name: str
    magic: re.Pattern[bytes]
    suffixes: tuple[str, ...]
    decompressor: Callable[[], _Decompressor]


_PACKINGS = (
    _Packing("gzip", re.compile(rb"\x1f\x8b"), (".gz", ".tgz"), _Gzip),
    _Packing("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), (".bz2", ".tbz", ".tbz2"), bz2.BZ2Decompressor),
    _Packing(
        "xz",
        re.compile(rb"\xfd7zXZ\x00"),
        (".xz", ".txz"),
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY_BYTES),
    ),
    _Packing("zstd", re.compile(rb"\x28\xb5\x2f\xfd"), (".zst", ".tzst", ".zstd"), _zstd),
)
_ARCHIVES = {"zip": (".zip",), "tar": (".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst")}


@dataclass(frozen=True)
class Unpacked:
    """The bytes of a table, and the recognised packing: `gzip`, or `'a.csv' in a zip archive`."""

    content: bytes
    said: tuple[str, ...]


def unpack(content: bytes, name: str, limit: int = LARGEST) -> Unpacked:
    """The content of a file with this name; raises NotATable if it is damaged or not a table."""
    said: list[str] = []
    suffix = PurePosixPath(name.lower()).suffix
    while True:
        if not content:
            raise NotATable(" is empty: it needs a line of column names, and rows.")
        packing = next((one for one in _PACKINGS if one.magic.match(content)), None)
        is_zip = content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))
        is_tar = content.startswith(b"ustar", 257) or (suffix == ".tar" and not content.strip(b"\x00"))
        if packing is None and not is_zip and not is_tar:
            break
        if len(said) == _MOST_LAYERS:
            raise NotATable(
                f" is packed more than twice ({', then '.join(said)}): unpack it and give the table itself."
            )
        if packing is not None:
            content = _decompress(content, packing, limit)
            said.append(packing.name)
        else:
            member, content = (from_zip if is_zip else from_tar)(content, limit)
            said.append(f"{member} in a {'zip' if is_zip else 'tar'} archive")
        suffix = PurePosixPath(PurePosixPath(name.lower()).stem).suffix if packing else ""
    refuse_binary(content)
    if not said:
        claimed = _claimed(name)
        said += [f"plain text, not {claimed} as its name says"] if claimed else []
    return Unpacked(content, tuple(said))


def _claimed(name: str) -> str | None:
    """The packing according to the file's name."""
    suffix = PurePosixPath(name.lower()).suffix
    packings = [packing.name for packing in _PACKINGS if suffix in packing.suffixes]
    archives = [f"a {archive} archive" for archive, suffixes in _ARCHIVES.items() if suffix in suffixes]
    return next(iter(packings + archives), None)


def _decompress(content: bytes, packing: _Packing, limit: int) -> bytes:
    """All members of compressed data, one after another, to the end."""
    unpacked, place = bytearray(), 0
    try:
        while place < len(content):
            if not packing.magic.match(content, place):
                if not content[place:].strip(b"\x00"):
                    break  # padding
                raise NotATable(f" has other data after the end of its {packing.name} data, at byte {place}: {_COPY}.")
            member = packing.decompressor()
            while not member.eof:
                piece = content[place : place + _PIECE] if member.needs_input else b""
                if member.needs_input and not piece:
                    raise NotATable(f" has {packing.name} data that is cut short: {_COPY}.")
                place += len(piece)
                unpacked += member.decompress(piece, _MOST_AT_ONCE)
                if len(unpacked) > limit:
                    raise too_large(limit)
            place -= len(member.unused_data)
    except (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, EOFError, ValueError) as error:
        if isinstance(error, NotATable):
            raise
        reason = re.sub(r"^Error -?\d+ while decompressing data: ", "", str(error)).strip().rstrip(".")
        raise NotATable(f" has damaged {packing.name} data ({reason}): {_COPY}.") from error
    return bytes(unpacked)
