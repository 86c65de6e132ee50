"""A worker's figures for Prometheus, over HTTP: times of its tasks, and the memory of its machine's GPUs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, multiprocess, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from gradviz.commands.scratch import scratch_directory
from gradviz.compute.gpu import gpu_figures
from gradviz.errors import UserError
from gradviz.settings import Settings


class _Gpus(Collector):
    def collect(self) -> Iterator[Metric]:
        yield from gpu_figures()


@contextmanager
def serving_figures(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Serves them at GRADVIZ_HOST:GRADVIZ_WORKER_PORT, under any path, unless the port is 0.

    Yields the variables through which its processes share their metrics. UserError if the port is unavailable.
    """
    if not settings.worker_port:
        yield {}
        return
    with scratch_directory("gradviz-metrics-") as directory:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=str(directory))
        registry.register(_Gpus())
        try:
            server, thread = start_http_server(settings.worker_port, settings.host, registry)
        except OSError as error:
            raise UserError(
                f"GRADVIZ_WORKER_PORT: cannot listen on {settings.host}:{settings.worker_port} "
                f"({error.strerror or error}): choose another port."
            ) from error
        try:
            yield {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
