"""One computation at a time for each key, over all threads and processes of this machine; waiters may give up."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gradviz.compute.refusals import Cancelled

_ASK_SECONDS = 0.2
_LOOK_SECONDS = 0.02  # between looks at another process's lock: the system does not notify


class Alone:
    """`directory` holds a lock file for each key under way; killing a process frees its locks.

    If it cannot be written, processes do not exclude each other; `on_lock` gets the error, or None if locking works.
    """

    def __init__(self, directory: Path, on_lock: Callable[[Exception | None], None] = lambda error: None) -> None:
        self._directory, self._on_lock = directory, on_lock
        self._changed = threading.Condition()
        self._held: set[str] = set()

    @contextmanager
    def of(self, key: str, still_wanted: Callable[[], bool]) -> Iterator[None]:
        """Holds `key`; raises Cancelled if `still_wanted` turns false while another holds it."""
        # Only one thread of this process looks at the file; the threads notify each other when it is free.
        with self._changed:
            while key in self._held:
                self._changed.wait(_ASK_SECONDS)
                if not still_wanted():
                    raise Cancelled
            self._held.add(key)
        try:
            with self._among_processes(key, still_wanted):
                yield
        finally:
            with self._changed:
                self._held.discard(key)
                self._changed.notify_all()

    @contextmanager
    def _among_processes(self, key: str, still_wanted: Callable[[], bool]) -> Iterator[None]:
        path = self._directory / f"{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}.lock"
        lock = FileLock(path, thread_local=False)
        try:
            _acquire(lock, still_wanted)
        except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
            self._on_lock(error)
            yield
            return
        self._on_lock(None)
        try:
            yield
        finally:
            # Within the lock: a process that opened the file before sees that it is gone and opens the next one.
            with suppress(OSError):
                path.unlink(missing_ok=True)
            lock.release()


def _acquire(lock: FileLock, still_wanted: Callable[[], bool]) -> None:
    while True:
        try:
            lock.acquire(timeout=_ASK_SECONDS, poll_interval=_LOOK_SECONDS)
            return
        except Timeout:  # it is an OSError too
            if not still_wanted():
                raise Cancelled from None
