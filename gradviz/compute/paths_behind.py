"""Lets what was written leave memory, behind the back of the training, where that is quicker than to keep it.

New memory is quick on most machines. On a virtual machine that gives unused memory back to its host, each page comes
from there when it is first written, which can take longer than the disk: there, what the disk has leaves memory at
once, and the next point is written where the last one was.
"""

import math
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field


@dataclass(eq=False)
class Behind:
    """Compares the slowest write into memory with the quickest to disk, in seconds a byte; the first write finds the
    disk's."""

    memory: float = 0.0
    disk: float = math.inf
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _last: Future[None] | None = None

    @property
    def lets_go(self) -> bool:
        return self.disk < self.memory

    def written(self, descriptor: int, num_bytes: int, seconds: float) -> None:
        """Bytes that were written into memory in this time. Waits for nothing: while the disk is busy, they stay.
        OSError if the disk refused earlier ones.
        """
        self.memory = max(self.memory, seconds / num_bytes)
        if self._last is not None and not self._last.done():
            return
        if self._last is None or self.lets_go:
            self.wait()
            self._last = self._thread.submit(self._let_go, os.dup(descriptor), num_bytes)

    def wait(self) -> None:
        """Until the disk has what it was given. OSError if it refused it."""
        if self._last is not None:
            self._last.result()

    def _let_go(self, descriptor: int, num_bytes: int) -> None:
        try:
            begin = time.perf_counter()
            os.fdatasync(descriptor)
            self.disk = min(self.disk, (time.perf_counter() - begin) / num_bytes)
            if self.lets_go:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
