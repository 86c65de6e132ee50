"""Convolutions of many channels in the layout in which a processor computes them quicker.

Channels last, forward and backward of 256 channels take 0.7 of the time in float32 and 0.4 in float64; below `WIDE`,
and with kernels of one number, they take longer. What the user's code sees is laid out as before.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

WIDE = 128


def in_quicker_layout(mode: Any, func: Any, args: Any, kwargs: Any) -> Tensor | None:
    """`func(*args, **kwargs)` of a Replay, or None where it is not such a convolution."""
    if func is not F.conv2d or mode.batched or len(args) < 2:
        return None
    x, weight = args[:2]
    is_such = x.ndim == 4 and x.device.type == "cpu" and x.requires_grad and x.is_contiguous()
    if not is_such or not weight.shape[1] == x.shape[1] >= WIDE or weight[0, 0].numel() == 1:
        return None
    last = {"memory_format": torch.channels_last}
    weight = mode.kept(("channels last",), weight, lambda: weight.contiguous(**last))
    return F.conv2d(x.contiguous(**last), weight, *args[2:], **kwargs).contiguous()
