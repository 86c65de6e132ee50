"""Opens all files from outside: regular files of bounded size, JSON of bounded depth with finite numbers.

It never waits (on a FIFO, a device), never reads without end (`/dev/zero`, a sparse file), and fails only with
`UnusableFile`, whose one sentence names the file and the reason.
"""

import errno
import io
import json
import math
import os
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from gradviz.errors import UserError, shown

MAX_DEPTH = 64
_MAX_INTEGER = 2**63
_MAX_NUMBER_LENGTH = 1_000  # a float64 written out in full has fewer characters
_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_REASONS = {
    errno.ENOENT: "there is no such file",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EACCES: "reading it is not permitted",
    errno.EPERM: "reading it is not permitted",
    errno.ENOTDIR: "part of its path is not a directory",
}
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


class UnusableFile(UserError):
    """An unusable file (or other bytes) from outside, with the reason; readers name it and leave it out."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{shown(path)} cannot be used: {reason}.")
        self.path, self.reason = Path(path), reason


def open_outside(path: Path | str, limit: int) -> io.BufferedReader:
    """A regular file for reading, of at most `limit` bytes, even while it grows; follows links.

    Reading past the limit raises the same `UnusableFile` as opening a larger file.
    """
    try:
        # Check before opening, because opening a device may start something; and after, because it may have changed.
        _check_kind(path, os.stat(path), limit)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            _check_kind(path, os.fstat(descriptor), limit)
        except UnusableFile:
            os.close(descriptor)
            raise
        return io.BufferedReader(_Bounded(path, descriptor, limit))
    except UnusableFile:
        raise
    except (OSError, ValueError) as error:
        raise UnusableFile(path, reason_of(error, path)) from error


def read_outside(path: Path | str, limit: int) -> bytes:
    """The whole content of a regular file of at most `limit` bytes."""
    try:
        with open_outside(path, limit) as stream:
            return stream.read()
    except OSError as error:
        raise UnusableFile(path, reason_of(error, path)) from error


def parse_json(content: bytes, what: Path | str) -> object:
    """The value of JSON text in UTF-8 that all readers understand alike; UnusableFile names `what` and the reason.

    It refuses depth above 64, numbers that are not finite float64 or 64-bit integers, a key given twice in one
    object, and half a surrogate pair.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableFile(what, f"byte {error.start} is not UTF-8") from error
    if _is_deeper(content, MAX_DEPTH):
        raise UnusableFile(what, f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_constant, object_pairs_hook=_object
        )
        if "\\u" in text:
            _check_characters(value)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnusableFile(what, f"it is not JSON ({where})") from error
    except _Refused as error:
        raise UnusableFile(what, str(error)) from error
    return value


def read_json(path: Path | str, limit: int) -> object:
    """The value in a JSON file of at most `limit` bytes; see `parse_json`."""
    return parse_json(read_outside(path, limit), path)


def reason_of(error: OSError | ValueError, path: Path | str | None = None) -> str:
    """The meaning of a system error for a file, as the end of a sentence."""
    if isinstance(error, ValueError):  # a NUL byte, or half a character
        return "a file cannot have this name"
    if error.errno == errno.ENOENT and path is not None and os.path.islink(path):
        return "it is a symbolic link to nothing"
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def kind_of(mode: int) -> str:
    """The kind in `st_mode`: a file, a directory, a FIFO …"""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _check_kind(path: Path | str, status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnusableFile(path, f"it is {kind_of(status.st_mode)}, not a file")
    if status.st_size > limit:
        raise UnusableFile(path, _too_large(f"{status.st_size:,}", limit))


def _too_large(size: str, limit: int) -> str:
    return f"it has {size} bytes; the limit is {limit:,}"


class _Bounded(io.RawIOBase):
    """The bytes of a file up to a limit; some files, such as those of /proc, are longer than the system says."""

    def __init__(self, path: Path | str, descriptor: int, limit: int) -> None:
        super().__init__()
        self._path, self._limit = path, limit
        self._file = io.FileIO(descriptor)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any) -> int | None:
        num_bytes = self._file.readinto(buffer)
        if self._file.tell() > self._limit:
            raise UnusableFile(self._path, _too_large(f"more than {self._limit:,}", self._limit))
        return num_bytes

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(_CHUNK) or b"", b""))

    def close(self) -> None:
        self._file.close()
        super().close()


class _Refused(Exception):
    """Why valid JSON is refused."""


def _is_deeper(content: bytes, depth: int) -> bool:
    if content.count(b"[") + content.count(b"{") <= depth:
        return False
    level = 0
    for match in _BRACKETS.finditer(content):
        level += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(match[0], 0)
        if level > depth:
            return True
    return False


def _integer(text: str) -> int:
    if len(text) > 20 or not -_MAX_INTEGER <= int(text) < _MAX_INTEGER:
        raise _Refused(f"the number {shown(text)} does not fit into 64 bits")
    return int(text)


def _number(text: str) -> float:
    value = float(text) if len(text) <= _MAX_NUMBER_LENGTH else math.inf
    if not math.isfinite(value):
        raise _Refused(f"the number {shown(text)} does not fit into a float64")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a number of JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise _Refused(f"it has the key `{shown(twice)}` twice")
    return values


def _check_characters(value: object) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _Refused("it has half a character, a lone surrogate")
    elif isinstance(value, dict):
        for part in (*value.keys(), *value.values()):
            _check_characters(part)
    elif isinstance(value, list):
        for part in value:
            _check_characters(part)
