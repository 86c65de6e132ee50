"""gunicorn's configuration in Python: its lines go to our log, and the metrics drop the requests of ended workers."""

import os
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger

from gradviz.logs import set_up_logging
from gradviz.settings import load_settings


class WebLogger(Logger):
    """Formats all lines as the settings say."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        set_up_logging(load_settings())


logger_class = WebLogger


def child_exit(_server: Any, worker: Any) -> None:
    """gunicorn calls this in the master, once for each ended worker."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
