"""The machine and the versions that made the numbers."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from gradviz.evidence.values import Measured

_PACKAGES = ("torch", "numpy", "plotly", "matplotlib")


class Machine(Measured):
    """Nothing that names the machine or its owner."""

    processor: str
    cores: int
    threads: int
    device: str
    system: str
    python: str
    packages: tuple[tuple[str, str], ...]


def this_machine(device: torch.device) -> Machine:
    """The machine that runs this process."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages=tuple((name, version(name)) for name in _PACKAGES),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
