"""Answers kept on disk, shared by all processes of this machine: bytes under a key, never a pickle.

A cache may be lost at any time and nothing is: what is torn, altered or unreadable counts as absent and is computed
again; a full disk only means that an answer is not kept.
"""

import hashlib
import logging
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW
from filelock import FileLock

from gradviz.errors import UserError

_log = logging.getLogger(__name__)
_CHECKSUM_BYTES = 16
_LAYOUT = "answers-1"
_POLL_SECONDS = 0.005
# The disk's state, not the database's: nothing would be gained by starting afresh.
_NOT_KEPT = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY}


class BytesDisk(diskcache.Disk):
    """Stores text keys and byte values as they are; refuses all else, so that nothing is pickled or unpickled."""

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError(f"A key of the cache is text, got {type(key).__name__}.")
        return key, True

    def get(self, key: object, raw: bool) -> str:
        if not (raw and isinstance(key, str)):
            raise ValueError("The cache holds a key that is not text.")
        return key

    def store(self, value: object, read: bool, key: Any = diskcache.UNKNOWN) -> tuple:
        if read or not isinstance(value, bytes):
            raise TypeError(f"A value of the cache is bytes, got {type(value).__name__}.")
        return super().store(value, False, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> bytes:
        if mode not in (MODE_RAW, MODE_BINARY):
            raise ValueError("The cache holds a value that is not bytes.")
        content = super().fetch(mode, filename, value, False)
        if not isinstance(content, bytes):
            raise ValueError("The cache holds a value that is not bytes.")
        return content


class FieldCache:
    """Bytes by key under `directory`, at most about `size_limit` bytes, the least recently used going first.

    `on_lookup` is told of each answer asked for by `once` whether it was there.
    """

    def __init__(
        self,
        directory: Path | str,
        size_limit: int = 2 * 1024**3,
        *,
        on_lookup: Callable[[bool], None] = lambda found: None,
    ) -> None:
        self.directory = Path(directory)
        self._on_lookup = on_lookup
        self._answers = self.directory / _LAYOUT
        self._locks = self.directory / "locks"
        self._size_limit = size_limit
        self._reopening = threading.Lock()
        try:
            self._locks.mkdir(parents=True, exist_ok=True)
            self._cache = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(
                f"The cache directory {self.directory} cannot be used ({error}): "
                "make it writable or set GRADVIZ_CACHE_DIR to another."
            ) from error

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`; None if there are none or they are not what was stored."""
        cache = self._cache
        try:
            stored: Any = cache.get(key)  # BytesDisk lets nothing but bytes through
        except (ValueError, OSError):
            stored = b""
        except diskcache.Timeout:
            return None
        except sqlite3.DatabaseError as error:
            self._start_afresh(cache, error)
            return None
        if stored is None:
            return None
        value = stored[_CHECKSUM_BYTES:]
        if stored[:_CHECKSUM_BYTES] == _checksum(key, value):
            return value
        _log.warning("The cached answer %s was damaged and is dropped.", key)
        self._forget(key)
        return None

    def set(self, key: str, value: bytes) -> None:
        """Keeps `value`, if the disk has room."""
        cache = self._cache
        try:
            cache.set(key, _checksum(key, value) + value)
        except (OSError, diskcache.Timeout) as error:
            _log.warning("The answer %s is not kept: %s", key, error)
        except sqlite3.DatabaseError as error:
            self._start_afresh(cache, error)

    def once(self, key: str, compute: Callable[[], bytes]) -> bytes:
        """The bytes under `key`, computed if absent: by one caller, while all others who ask for it wait.

        Holds across threads and processes. The lock is the system's: a computer that is killed releases it, and one
        of those who wait goes on. What `compute` raises reaches its own caller only.
        """
        value = self.get(key)
        self._on_lookup(value is not None)
        if value is not None:
            return value
        path = self._locks / f"{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}.lock"
        with FileLock(path, poll_interval=_POLL_SECONDS, thread_local=False):
            try:
                value = self.get(key)
                if value is None:
                    value = compute()
                    self.set(key, value)
            finally:
                # Under the lock: who opened the file before sees that it is gone and opens the next one.
                path.unlink(missing_ok=True)
        return value

    def close(self) -> None:
        self._cache.close()

    def __enter__(self) -> "FieldCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> diskcache.Cache:
        try:
            return self._open_database()
        except sqlite3.OperationalError as error:
            if _primary_code(error) in _NOT_KEPT:
                raise
            return self._replace_database(error)
        except sqlite3.DatabaseError as error:
            return self._replace_database(error)

    def _open_database(self) -> diskcache.Cache:
        return diskcache.Cache(
            str(self._answers),
            disk=BytesDisk,
            size_limit=self._size_limit,
            eviction_policy="least-recently-used",
        )

    def _replace_database(self, error: Exception) -> diskcache.Cache:
        with FileLock(self._locks / "replace.lock"):
            try:
                return self._open_database()  # another process may have replaced it meanwhile
            except sqlite3.DatabaseError:
                _log.warning("The cache %s was damaged (%s) and is started afresh.", self._answers, error)
                self._discard()
                return self._open_database()

    def _start_afresh(self, broken: diskcache.Cache, error: sqlite3.DatabaseError) -> None:
        if _primary_code(error) in _NOT_KEPT:
            _log.warning("The cache %s cannot be used now: %s", self._answers, error)
            return
        with self._reopening:
            if self._cache is not broken:
                return  # another thread has done it
            broken.close()
            with FileLock(self._locks / "replace.lock"):
                if not _is_sound(self._answers / diskcache.core.DBNAME):
                    _log.warning("The cache %s was damaged (%s) and is started afresh.", self._answers, error)
                    self._discard()
                self._cache = self._open_database()

    def _discard(self) -> None:
        grave = self._answers.with_name(f"damaged-{uuid.uuid4().hex}")
        self._answers.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)

    def _forget(self, key: str) -> None:
        cache = self._cache
        try:
            cache.delete(key)
        except (OSError, diskcache.Timeout):
            return
        except sqlite3.DatabaseError as error:
            self._start_afresh(cache, error)


def _checksum(key: str, value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_CHECKSUM_BYTES, key=key.encode()[:64]).digest()


def _primary_code(error: sqlite3.DatabaseError) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _is_sound(database: Path) -> bool:
    try:
        connection = sqlite3.connect(database)
    except sqlite3.DatabaseError:
        return False
    try:
        connection.execute("SELECT COUNT(*) FROM Cache, Settings LIMIT 1")
        return connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
