"""Shields the engine from torch settings of the caller: autocast, inference mode, defaults, reduced precision."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module | None = None) -> Iterator[None]:
    """Within it torch uses only explicitly chosen dtypes and gradients, and gives the same numbers each time.

    `model`: what is differentiated; cuDNN's recurrent layers know no backward pass in eval mode, so where it has any,
    torch's own are used.
    """
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if torch.cuda.is_available():
            is_recurrent = model is not None and any(isinstance(part, nn.RNNBase) for part in model.modules())
            cudnn = torch.backends.cudnn.flags(
                enabled=torch.backends.cudnn.enabled and not is_recurrent,
                benchmark=False,
                deterministic=True,
                allow_tf32=False,
            )
            stack.enter_context(cudnn)
            stack.enter_context(_exact_products())
        yield


@contextmanager
def _exact_products() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
