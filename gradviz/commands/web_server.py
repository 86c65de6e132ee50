"""The web server's own process: gunicorn, bound to the life of the supervisor that started it.

Run as `python -m gradviz.commands.web_server SUPERVISOR_PID GUNICORN_OPTIONS…`.
"""

import signal
import sys
from typing import TYPE_CHECKING

from gradviz.commands.bound_life import die_with

if TYPE_CHECKING:  # slow imports come after `die_with`, below
    from gradviz.settings import Settings

WORKER = "gradviz.serving.worker.FrontWorker"

APPLICATION = "gradviz.dashboard.factory:create_server()"
GRACEFUL_SECONDS = 5
HANGING_SECONDS = 20
"""gunicorn restarts a web worker without a sign of life for this long."""


def arguments(descriptor: int, settings: "Settings") -> list[str]:
    """gunicorn's options for a listening socket inherited as file `descriptor`."""
    return [
        *("--bind", f"fd://{descriptor}"),
        *("--config", "python:gradviz.commands.gunicorn_config"),
        *("--workers", str(settings.workers)),
        *("--worker-class", WORKER),
        *("--graceful-timeout", str(GRACEFUL_SECONDS)),
        *("--timeout", str(HANGING_SECONDS)),
        *("--log-level", settings.log_level),
        "--no-control-socket",
        APPLICATION,
    ]


if __name__ == "__main__":
    # Killing the supervisor must free the port.
    die_with(int(sys.argv[1]), signal.SIGQUIT)
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", *sys.argv[2:]]
    sys.exit(run())
