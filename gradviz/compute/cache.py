"""A cache of answers on disk, shared by all processes of this machine: bytes by key, never a pickle.

Losing the cache costs only time: torn, altered or unreadable answers count as absent and are computed again. On a full
disk answers are not kept; if the directory of locks cannot be written, several processes may compute the same answer.
"""

import hashlib
import logging
import math
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import diskcache
from filelock import FileLock

from gradviz.compute.alone import Alone
from gradviz.compute.bytes_disk import BytesDisk
from gradviz.compute.cache_faults import check_is_ours, is_full, is_of_the_disk, is_sound
from gradviz.errors import UserError
from gradviz.experiment.private import make_directory

_log = logging.getLogger(__name__)
_CHECKSUM_BYTES = 16
_LAYOUT = "answers-1"
_REOPEN_SECONDS = 5.0
_PROOF_SECONDS = 5.0
_PROBE_BYTES = 40_000  # enough for a separate file beside the database


class FieldCache:
    """Bytes by key under `directory`, at most about `size_limit` bytes; drops the least recently used first.

    Raises UserError for an unusable directory, unless its disk is only full. Without `insist` it never does: answers
    are not kept until the directory is usable, and the log says so once. `once` calls `on_lookup` with whether it
    found the answer.
    """

    def __init__(
        self,
        directory: Path | str,
        size_limit: int = 2 * 1024**3,
        *,
        insist: bool = True,
        on_lookup: Callable[[bool], None] = lambda found: None,
    ) -> None:
        self.directory = Path(directory)
        self._on_lookup = on_lookup
        self._answers = self.directory / _LAYOUT
        self._locks = self.directory / "locks"
        self._size_limit = size_limit
        self._kept_at = -math.inf  # when the last successful `set` began
        self._alone = Alone(self._locks, self._tell_of_locks)
        self._reopening = threading.Lock()
        self._cache: diskcache.Cache | None = None
        self._reopen_at = 0.0
        self._troubles: set[str] = set()
        try:
            self._begin()
        except (OSError, sqlite3.DatabaseError) as error:
            if insist and not is_full(error):
                raise UserError(
                    f"The cache directory {self.directory} cannot be used ({error}): "
                    "make it writable or set GRADVIZ_CACHE_DIR to another."
                ) from error
            self._close_for_now(error)

    def get(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none, or they differ from what was stored."""
        cache = self._opened()
        if cache is None:
            return None
        try:
            stored: Any = cache.get(key)  # BytesDisk returns only bytes
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
        """Stores `value`, if the disk has room."""
        cache = self._opened()
        self._kept_at, began = -math.inf, time.monotonic()
        if cache is None:
            return
        try:
            cache.set(key, _checksum(key, value) + value)
        except (OSError, diskcache.Timeout) as error:
            self._tell_once("Answers are not kept", error)
        except sqlite3.DatabaseError as error:
            self._start_afresh(cache, error)
        else:
            self._kept_at = began
            self._troubles.discard("Answers are not kept")

    def fault(self) -> str:
        """Why answers cannot be kept, in one sentence, or "": writes an answer and reads it back.

        A recent `set` is proof enough: under heavy use the database has a queue.
        """
        probe, value = self._locks / f"probe-{uuid.uuid4().hex}", uuid.uuid4().bytes * (_PROBE_BYTES // 16)
        try:
            self._answers.stat()
            probe.write_bytes(value)
            probe.unlink()
        except OSError as error:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
            if is_full(error):
                return "The disk of the cache is full: answers are not kept."
            return "The directory of the cache cannot be written: answers are not kept."
        if time.monotonic() - self._kept_at < _PROOF_SECONDS:
            return ""
        self.set(probe.name, value)
        found = self.get(probe.name)
        self._forget(probe.name)
        return "" if found == value else "Answers cannot be kept: the cache does not return what it stores."

    def once(self, key: str, compute: Callable[[], bytes], still_wanted: Callable[[], bool] = lambda: True) -> bytes:
        """The bytes under `key`; if absent, one caller computes them while all others wait for that.

        Holds across threads and processes. The lock belongs to the system: if the computing process is killed, one of
        the waiting callers takes over. An error in `compute` reaches only its own caller. While another computes, this
        polls `still_wanted`, and raises Cancelled once it is false.
        """
        value = self.get(key)
        self._on_lookup(value is not None)
        if value is not None:
            return value
        with self._alone.of(key, still_wanted):
            value = self.get(key)
            if value is None:
                value = compute()
                self.set(key, value)
        return value

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> "FieldCache":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell_of_locks(self, error: Exception | None) -> None:
        trouble = "Several processes may compute the same answer"
        if error is None:
            self._troubles.discard(trouble)
        else:
            self._tell_once(trouble, error)

    def _begin(self) -> None:
        make_directory(self._locks)
        make_directory(self._answers)
        self._cache = self._open()

    def _opened(self) -> diskcache.Cache | None:
        """The open cache; None while it is unusable, which this retries now and then."""
        if self._cache is None and time.monotonic() >= self._reopen_at:
            with self._reopening:
                if self._cache is None:
                    try:
                        self._begin()
                    except (OSError, sqlite3.DatabaseError) as error:
                        self._close_for_now(error)
        return self._cache

    def _close_for_now(self, error: Exception) -> None:
        self._cache = None
        self._reopen_at = time.monotonic() + _REOPEN_SECONDS
        self._tell_once("Answers are not kept", error)

    def _tell_once(self, trouble: str, error: Exception) -> None:
        """Logs a trouble once until it is over, not for each answer."""
        if trouble not in self._troubles:
            self._troubles.add(trouble)
            _log.warning("%s: %s", trouble, error)

    def _open(self) -> diskcache.Cache:
        try:
            return self._open_database()
        except sqlite3.OperationalError as error:
            if is_of_the_disk(error):
                raise
            return self._replace_database(error)
        except sqlite3.DatabaseError as error:
            return self._replace_database(error)

    def _open_database(self) -> diskcache.Cache:
        check_is_ours(self._answers / diskcache.core.DBNAME)
        return diskcache.Cache(
            str(self._answers),
            disk=BytesDisk,
            **diskcache.core.DEFAULT_SETTINGS  # ignore the settings in the database
            | {"size_limit": self._size_limit, "eviction_policy": "least-recently-used"},
        )

    def _replace_database(self, error: Exception) -> diskcache.Cache:
        with FileLock(self._locks / "replace.lock"):
            try:
                return self._open_database()  # another process may have replaced it meanwhile
            except sqlite3.DatabaseError:
                _log.warning("The cache %s was damaged (%s); starting a new one.", self._answers, error)
                self._discard()
                return self._open_database()

    def _start_afresh(self, broken: diskcache.Cache, error: sqlite3.DatabaseError) -> None:
        if is_of_the_disk(error):
            self._tell_once("Answers are not kept", error)
            return
        with self._reopening:
            if self._cache is not broken:
                return  # another thread has done it
            broken.close()
            try:
                with FileLock(self._locks / "replace.lock"):
                    if not is_sound(self._answers / diskcache.core.DBNAME):
                        _log.warning("The cache %s was damaged (%s); starting a new one.", self._answers, error)
                        self._discard()
                    self._cache = self._open_database()
            except (OSError, sqlite3.DatabaseError) as trouble:
                self._close_for_now(trouble)

    def _discard(self) -> None:
        grave = self._answers.with_name(f"damaged-{uuid.uuid4().hex}")
        self._answers.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)

    def _forget(self, key: str) -> None:
        cache = self._opened()
        if cache is None:
            return
        try:
            cache.delete(key)
        except (OSError, diskcache.Timeout):
            return
        except sqlite3.DatabaseError as error:
            self._start_afresh(cache, error)


def _checksum(key: str, value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_CHECKSUM_BYTES, key=key.encode()[:64]).digest()
