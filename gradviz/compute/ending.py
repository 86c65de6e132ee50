"""Ends a process that may hang: asks it to end, wakes it if it is suspended, and kills it if it does not end."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable
from pathlib import Path

GRACE_SECONDS = 10.0
_KILL_SECONDS = 5.0  # even SIGKILL does not end a process stuck in the kernel, for example on a lost disk


class Ending:
    """Sends SIGTERM and SIGCONT now, and SIGKILL after `grace` seconds from a thread; first `on_ask` and `on_kill`.

    Raises ProcessLookupError if the process has ended, PermissionError if it belongs to another user.
    It calls `is_meant` with the process pinned, because the number may belong to another process by now.
    """

    def __init__(
        self,
        pid: int,
        *,
        is_meant: Callable[[], bool],
        on_ask: Callable[[], None] = lambda: None,
        on_kill: Callable[[], None] = lambda: None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._process = os.pidfd_open(pid)
        self._on_kill, self._grace = on_kill, grace
        self._thread = threading.Thread(target=self._see_it_end, name=f"end of {pid}", daemon=True)
        try:
            if not is_meant():
                raise ProcessLookupError(pid)
            signal.pidfd_send_signal(self._process, 0)  # sends nothing, only checks the permission
            on_ask()
            signal.pidfd_send_signal(self._process, signal.SIGTERM)
            signal.pidfd_send_signal(self._process, signal.SIGCONT)
        except OSError:
            os.close(self._process)
            raise
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the process ends within `seconds`; by default long enough for a kill."""
        self._thread.join(self._grace + 2 * _KILL_SECONDS if seconds is None else seconds)
        return self.is_over

    def _see_it_end(self) -> None:
        try:
            if not self._ends_within(self._grace):
                self._on_kill()
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._process, signal.SIGKILL)
                self._ends_within(_KILL_SECONDS)
        finally:
            os.close(self._process)

    def _ends_within(self, seconds: float) -> bool:
        return bool(select.select([self._process], [], [], seconds)[0])


def is_suspended(pid: int) -> bool:
    """Whether a signal has suspended the process until another resumes it."""
    with contextlib.suppress(OSError):
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name, in parentheses, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:1] == ["T"]
    return False
