"""Binds the life of a process to that of its parent."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def die_with(parent: int, by: signal.Signals) -> None:
    """Sends this process the signal `by` when its parent, process `parent`, ends in any way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        sys.exit("gradviz: the supervisor is gone.")
