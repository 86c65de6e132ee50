"""Figures for Prometheus at /metrics: requests, the cache, waiting computations, the training, the GPU's memory.

The figures are sums over all server processes, which share files in PROMETHEUS_MULTIPROC_DIR. `gradviz serve` prepares
it; if you run gunicorn directly, set that variable to an empty directory.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

import gradviz
from gradviz.compute.gpu import gpu_figures
from gradviz.compute.interface import Compute, Load, Unavailable
from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer import Trainer, TrainerStatus
from gradviz.experiment.store import RunStore

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


_WAITING = ("gradviz_computations_waiting", "Waiting computations.")
_RUNNING = ("gradviz_computations_running", "Running computations.")


class Metrics:
    """Counters and gauges of one server."""

    def __init__(self) -> None:
        self.seconds = Histogram(
            "gradviz_request_seconds",
            "Seconds from a request to the last byte of its answer.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=None,
        )
        self.under_way = Gauge(
            "gradviz_requests_under_way", "Requests under way.", registry=None, multiprocess_mode="livesum"
        )
        self._lookups = Counter(
            "gradviz_cache_lookups",
            "Lookups in the cache: hit, or miss (computed here, or awaited from another).",
            ("result",),
            registry=None,
        )
        self._waiting = Gauge(*_WAITING, ("priority",), registry=None, multiprocess_mode="livesum")
        self._running = Gauge(*_RUNNING, registry=None, multiprocess_mode="livesum")

    def count_lookup(self, hit: bool) -> None:
        self._lookups.labels("hit" if hit else "miss").inc()

    def set_load(self, load: Load) -> None:
        """The computations of this process."""
        for priority, number in _waiting_of(load):
            self._waiting.labels(priority).set(number)
        self._running.set(load.running)

    @property
    def here(self) -> tuple[Collector, ...]:
        """The figures of this process."""
        return self.seconds, self.under_way, self._lookups, self._waiting, self._running


class Now(Collector):
    """Figures read at each request, the same in every process."""

    def __init__(self, trainer: Trainer, compute: Compute, store: RunStore) -> None:
        self._trainer, self._store = trainer, store
        # This server counts its own computations; the broker knows those of workers elsewhere.
        self._elsewhere = None if isinstance(compute, LocalCompute) else compute
        self._device = compute.bench.device.type if isinstance(compute, LocalCompute) else "elsewhere"

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("gradviz", "This server.", {"version": gradviz.__version__, "device": self._device})
        with suppress(Unavailable):  # the broker is away, as reported below
            yield from _training_figures(self._trainer.status(), self._store)
        if self._elsewhere is not None:
            yield from _load_figures(self._elsewhere.load())
        yield from gpu_figures()


def _training_figures(status: TrainerStatus, store: RunStore) -> Iterator[Metric]:
    running = float(status.state == "running")
    yield GaugeMetricFamily("gradviz_training", "1 while a training is running.", running)
    epochs = GaugeMetricFamily("gradviz_epoch", "The last saved epoch of a run.", labels=["run", "variant"])
    trained = [(run.name, run.epoch) for run in status.progress]
    recorded = [(run.name, max(run.epochs(), default=None)) for run in store.study_runs()]
    for name, epoch in [*trained, *recorded]:
        if epoch is not None:
            epochs.add_metric([name, name], epoch)
    yield epochs


def serve_metrics(server: Flask, metrics: Metrics, now: Collector) -> None:
    """Answers /metrics in the text format or as OpenMetrics, by the Accept header."""

    @server.get("/metrics")
    def answer_metrics() -> Response:
        shown = CollectorRegistry()
        if os.environ.get(DIRECTORY_VARIABLE):
            multiprocess.MultiProcessCollector(shown)
        else:
            for counted in metrics.here:
                shown.register(counted)
        shown.register(now)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(shown), content_type=content_type, headers={"Cache-Control": "no-store"})


def _waiting_of(load: Load) -> tuple[tuple[str, int], ...]:
    return ("interactive", load.waiting_interactive), ("sweep", load.waiting_sweeps)


def _load_figures(load: Load) -> Iterator[Metric]:
    yield GaugeMetricFamily("gradviz_broker_reachable", "1 while the broker answers.", float(load.reachable))
    if load.reachable:
        waiting = GaugeMetricFamily(*_WAITING, labels=["priority"])
        for priority, number in _waiting_of(load):
            waiting.add_metric([priority], number)
        yield waiting
        yield GaugeMetricFamily(*_RUNNING, load.running)
