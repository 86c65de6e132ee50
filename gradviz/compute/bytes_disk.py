"""Stores the cache's values in its database or, if larger, in files beside it, and trusts neither.

The database names the files, and diskcache opens and removes any file so named. This class accepts only names of its
own form and follows no links, so it never reads or removes anything outside the cache's directory. Keys are text and
values bytes: nothing is ever pickled or unpickled.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW

_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{28}\.val)", re.ASCII)
_MAX_VALUE_BYTES = 2**28
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class BytesDisk(diskcache.Disk):
    """Stores text keys and byte values unchanged; raises TypeError for other types put, ValueError for others found."""

    _directory: str
    min_file_size: int

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError(f"A key of the cache must be text, got {type(key).__name__}.")
        return key, True

    def get(self, key: object, raw: bool) -> str:
        if not (raw and isinstance(key, str)):
            raise ValueError("The cache holds a key that is not text.")
        return key

    def store(
        self, value: object, read: bool, key: Any = diskcache.UNKNOWN
    ) -> tuple[int, int, str | None, bytes | None]:
        if read or not isinstance(value, bytes):
            raise TypeError(f"A value of the cache must be bytes, got {type(value).__name__}.")
        if len(value) < self.min_file_size:
            return 0, MODE_RAW, None, value
        name, _ = self.filename()
        for last in (False, False, True):
            try:
                self._write_file(name, value)
                break
            except FileNotFoundError:  # another process has just removed the empty folder
                if last:
                    raise
        return len(value), MODE_BINARY, name, None

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> bytes:
        if mode == MODE_RAW and filename is None:
            content = value
        elif mode == MODE_BINARY and value is None:
            content = self._content_of(filename)
        else:
            content = None
        if not isinstance(content, bytes):
            raise ValueError("The cache holds a value that is not bytes.")
        return content

    def remove(self, file_path: object) -> None:
        """Removes a file of ours, and its folders once they are empty; ignores any other name."""
        with suppress(OSError, ValueError):
            with self._folder_of(file_path) as (folder, file):
                os.unlink(file, dir_fd=folder)
            outer, inner, _ = str(file_path).split("/")
            os.rmdir(os.path.join(self._directory, outer, inner))
            os.rmdir(os.path.join(self._directory, outer))

    def _write_file(self, name: str, value: bytes) -> None:
        with (
            self._folder_of(name, make=True) as (folder, file),
            os.fdopen(os.open(file, _WRITE, 0o600, dir_fd=folder), "wb") as stream,
        ):
            stream.write(value)

    def _content_of(self, name: object) -> bytes:
        with self._folder_of(name) as (folder, file):
            descriptor = os.open(file, _READ, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_VALUE_BYTES:
                raise ValueError("The cache holds a file that is not its own.")
            return stream.read(_MAX_VALUE_BYTES)

    @contextmanager
    def _folder_of(self, name: object, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder of a file in the cache, and its name there."""
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if found is None:
            raise ValueError("The cache names a file that is not its own.")
        outer, inner, file = found.groups()
        opened: list[int] = []
        try:
            opened.append(os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for folder in (outer, inner):
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o700, dir_fd=opened[-1])
                opened.append(os.open(folder, _DIRECTORY, dir_fd=opened[-1]))
            yield opened[-1], file
        finally:
            for descriptor in opened:
                os.close(descriptor)
