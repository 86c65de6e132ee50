"""The memory of this machine's GPUs used by all processes, from the driver; asking uses none of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pynvml
from prometheus_client.core import GaugeMetricFamily, Metric


@dataclass(frozen=True)
class GpuMemory:
    """Bytes; `index` is the driver's."""

    index: int
    name: str
    used: int
    total: int


def gpu_memory() -> list[GpuMemory]:
    """One value for each GPU; empty without an NVIDIA driver. Costs a millisecond or two."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_read(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def gpu_figures() -> Iterator[Metric]:
    """The memory of each GPU of this machine, if any."""
    family = GaugeMetricFamily(
        "gradviz_gpu_memory_bytes", "Memory of a GPU, of all processes.", labels=["gpu", "state"]
    )
    for gpu in gpu_memory():
        family.add_metric([str(gpu.index), "used"], gpu.used)
        family.add_metric([str(gpu.index), "total"], gpu.total)
    if family.samples:
        yield family


def _read(index: int) -> GpuMemory:
    device = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(device)
    name = pynvml.nvmlDeviceGetName(device)
    return GpuMemory(index, name, int(memory.used), int(memory.total))
