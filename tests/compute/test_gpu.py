"""The memory of GPUs: nothing where there is no driver, and what the driver says where there is one."""

from types import SimpleNamespace

import pynvml
import pytest
import torch

from gradviz.compute.gpu import GpuMemory, gpu_figures, gpu_memory


def test_no_driver_is_no_gpu(monkeypatch: pytest.MonkeyPatch):
    def missing() -> None:
        raise pynvml.NVMLError_LibraryNotFound  # pyright: ignore[reportAttributeAccessIssue]  (made at import)

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    assert gpu_memory() == []
    assert list(gpu_figures()) == []


def test_each_gpu_is_told_and_the_driver_let_go(monkeypatch: pytest.MonkeyPatch):
    calls: list[str] = []
    driver = {
        "nvmlInit": lambda: calls.append("in"),
        "nvmlShutdown": lambda: calls.append("out"),
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda index: SimpleNamespace(used=index * 10 + 1, total=100),
        "nvmlDeviceGetName": lambda index: f"GPU of slot {index}",
    }
    for name, answer in driver.items():
        monkeypatch.setattr(pynvml, name, answer)
    assert gpu_memory() == [GpuMemory(0, "GPU of slot 0", 1, 100), GpuMemory(1, "GPU of slot 1", 11, 100)]
    assert calls == ["in", "out"]
    [family] = gpu_figures()
    assert {(sample.labels["gpu"], sample.labels["state"]): sample.value for sample in family.samples} == {
        ("0", "used"): 1,
        ("0", "total"): 100,
        ("1", "used"): 11,
        ("1", "total"): 100,
    }


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_driver_and_torch_agree():
    _, total = torch.cuda.mem_get_info(0)
    assert gpu_memory()[0].total == pytest.approx(total, rel=0.05)
    assert 0 < gpu_memory()[0].used <= gpu_memory()[0].total
