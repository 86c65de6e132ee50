"""The web server's own process: gunicorn, bound to the life of the supervisor that started it.

Run as `python -m gradviz.commands.web_server SUPERVISOR_PID GUNICORN_OPTIONS…`.
"""

import ctypes
import os
import signal
import sys

from gunicorn.app.wsgiapp import run

from gradviz.settings import Settings

APPLICATION = "gradviz.dashboard.factory:create_server()"
GRACEFUL_SECONDS = 5
_PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def arguments(descriptor: int, settings: Settings) -> list[str]:
    """gunicorn's options for a listening socket that is handed over as file `descriptor`."""
    return [
        *("--bind", f"fd://{descriptor}"),
        *("--config", "python:gradviz.commands.gunicorn_config"),
        *("--workers", str(settings.workers)),
        *("--worker-class", "gthread", "--threads", "8"),
        *("--graceful-timeout", str(GRACEFUL_SECONDS)),
        *("--timeout", "120"),  # a slow machine may need long to import torch
        *("--log-level", settings.log_level),
        "--no-control-socket",
        APPLICATION,
    ]


def die_with(supervisor: int) -> None:
    """Ends this process when its parent ends, however that ends: a killed supervisor leaves no server on the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != supervisor:
        sys.exit("gradviz: the supervisor is gone.")


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    sys.argv = ["gunicorn", *sys.argv[2:]]
    sys.exit(run())
