"""Paths that workers elsewhere compute: one job for all servers of a broker, and independent of them."""

import logging
import uuid

import torch

from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.chain_watch import ChainWatch
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.envelope import TAKE_PATHS
from gradviz.compute.celery.messages import PathsOrder, code_version, use_strict_json
from gradviz.compute.celery.names import PATHS
from gradviz.compute.celery.paths_desk import PathsDesk, PathsNow
from gradviz.compute.celery.paths_stretch import ON_A_CPU
from gradviz.compute.paths import MOST_SENT_BYTES
from gradviz.compute.paths_cost import PathsCost, answer_bytes
from gradviz.compute.paths_job import CANCELLED, Job
from gradviz.landscape.paths.request import PathsRequest
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
NO_WORKER = "No worker of paths is connected; start one with `gradviz worker --queues paths`."
_WAITS = "waits for a worker"


class CeleryPaths:
    """`PathsRunner` of a broker. UserError if the settings' broker may not be used."""

    devices = (ON_A_CPU, torch.device("cuda"))

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        broker = broker_of(settings)
        use_strict_json()
        self._app = create_app(settings, broker)
        self._desk = Desk(broker, settings)
        self._paths = PathsDesk(self._desk, settings)
        self._watch = ChainWatch(self._paths)

    def job(self) -> Job | None:
        """If the broker has lost the job under way, this sends it again."""
        now = self._paths.now()
        end = None if now is not None else self._paths.end()
        if not self._settings.read_only:
            lost = self._watch.lost(now, end)
            now = now or self._watch.missed
            if lost is not None:
                now = self._send_again(lost) or now
            if now is not None and self._paths.is_stopping(now.chain):
                self._end_unless_held(now)  # the worker that was to stop is gone
                now = self._paths.now()
        if now is None:
            return end or self._paths.end()
        return now.job if self._desk.has_worker(PATHS) else now.job.model_copy(update={"message": NO_WORKER})

    def refusal(self, request: PathsRequest, cost: PathsCost) -> str:
        size = answer_bytes(request, cost)
        if size <= MOST_SENT_BYTES:
            return ""
        return (
            f"The answer has {size / 2**20:.0f} MB, and a worker sends {MOST_SENT_BYTES >> 20} MB at most: choose "
            "fewer points or replicas, or use `gradviz paths`."
        )

    def answer(self, key: str) -> bytes | None:
        return self._paths.answer(key)

    def begin(self, request: PathsRequest, key: str) -> None:
        now = PathsNow(uuid.uuid4().hex, 0, Job(key=key, request=request, what=_WAITS))
        if self._paths.announce(now):
            self._send(now)

    def cancel(self, job: Job) -> None:
        now = self._paths.now()
        if now is None or now.job.key != job.key:
            return
        self._paths.ask_to_stop(now.chain)
        self._end_unless_held(now)

    def _end_unless_held(self, now: PathsNow) -> None:
        """Ends a job that is to stop, unless a worker computes it, who stops it within a step."""
        if not self._paths.is_held():
            self._paths.withdraw()
            stopped = now.job.model_copy(update={"state": "stopped", "message": CANCELLED})
            self._paths.finish(now.chain, stopped)

    def _send_again(self, lost: PathsNow) -> PathsNow | None:
        if self._paths.begin_again(lost):
            _log.warning("The broker lost the job of paths; sending it again from the last finished replica.")
            self._send(lost)
        return self._paths.now()

    def _send(self, now: PathsNow) -> None:
        order = PathsOrder(
            code=code_version(), chain=now.chain, number=now.number, key=now.job.key, request=now.job.request
        )
        with self._desk.reaching():
            self._app.send_task(TAKE_PATHS, (order.model_dump(mode="json"),), queue=PATHS)
        self._paths.sent()
