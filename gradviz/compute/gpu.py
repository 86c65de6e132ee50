"""The memory of this machine's GPUs as their driver tells it: of all processes, and asking takes none of it."""

from dataclasses import dataclass

import pynvml


@dataclass(frozen=True)
class GpuMemory:
    """Bytes; `index` as the driver counts."""

    index: int
    name: str
    used: int
    total: int


def gpu_memory() -> list[GpuMemory]:
    """One value for each GPU; none where there is no NVIDIA driver. Costs a millisecond or two."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_read(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _read(index: int) -> GpuMemory:
    device = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(device)
    name = pynvml.nvmlDeviceGetName(device)
    return GpuMemory(index, name, int(memory.used), int(memory.total))
