"""A process bound to the life of the one that started it."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def die_with(parent: int, by: signal.Signals) -> None:
    """This process is sent `by` when process `parent`, its own parent, ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        sys.exit("gradviz: the supervisor is gone.")
