"""How many multiplications a forward pass does: a kernel's weights are used at every place of a picture or a text."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class Count:
    """`products`: multiplications by weights of linear and convolutional layers so far."""

    products: int = 0


@contextmanager
def counted(model: nn.Module) -> Iterator[Count]:
    """Counts during the forward passes within it; a layer that is called twice counts twice."""
    count = Count()

    def add(layer: Any, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor):
            return
        if isinstance(layer, nn.modules.conv._ConvTransposeNd):  # each number of the input meets a kernel
            count.products += inputs[0].numel() * layer.weight[0].numel() if inputs else 0
        else:
            count.products += output.numel() * layer.weight[0].numel()

    layers = [part for part in model.modules() if isinstance(part, nn.Linear | nn.modules.conv._ConvNd)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()
