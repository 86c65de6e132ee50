"""One Celery worker: a queue and its slots, bound to the life of its supervisor.

Run as `python -m gradviz.commands.worker_process SUPERVISOR_PID QUEUE SLOTS`.
"""

import platform
import signal
import sys

from gradviz.commands.bound_life import die_with
from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.workers import beating, name_of
from gradviz.logs import set_up_logging
from gradviz.settings import load_settings


def work(queue: str, slots: int) -> int:
    """Serves `queue` until SIGTERM, then finishes current tasks; returns the exit status."""
    settings = load_settings()
    broker = broker_of(settings)
    name = name_of(queue, platform.node())
    worker = create_app(settings, broker, name).Worker(
        queues=[queue],
        concurrency=slots,
        hostname=name,
        pool="prefork",
        optimization="fair",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    with beating(broker, name, also=Desk(broker, settings).look_at_policy):
        worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    die_with(int(sys.argv[1]), signal.SIGKILL)
    set_up_logging(load_settings())
    sys.exit(work(sys.argv[2], int(sys.argv[3])))
