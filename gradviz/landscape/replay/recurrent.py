"""Recurrent layers one after the other: dropout between them is seen, and what lies below a moved layer is known."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

RECURRENT = {getattr(torch._VF, name): name for name in ("gru", "lstm", "rnn_tanh", "rnn_relu")}


def layers_of(args: Any) -> tuple[int, float, bool]:
    """Number of layers, dropout between them, and whether the model trains, of a call of torch's fused function:
    (input, state, weights, has_biases, layers, dropout, train, bidirectional, batch_first), or packed
    (data, batch sizes, state, weights, has_biases, layers, dropout, train, bidirectional)."""
    return args[5:8] if is_packed(args) else args[4:7]


def is_packed(args: Any) -> bool:
    return isinstance(args[3], list | tuple)


def drops_between_layers(args: Any) -> bool:
    layers, dropout, train = layers_of(args)
    return layers > 1 and dropout > 0 and train


def between_layers(func: Any) -> Callable[..., Any]:
    """rule(draws, *args): the layers of `func` one after the other, with dropout from `draws` between them."""

    def rule(draws: Any, *args: Any) -> tuple[Tensor, ...]:
        sizes, rest = ((args[1],), args[2:]) if is_packed(args) else ((), args[1:])
        states, weights, has_biases, num_layers, dropout, train, bidirectional, *batch_first = rest
        directions = 2 if bidirectional else 1
        each, x, ends = len(weights) // num_layers, args[0], []
        for layer in range(num_layers):
            at = slice(layer * directions, (layer + 1) * directions)
            state = states[at] if isinstance(states, Tensor) else tuple(part[at] for part in states)
            own = list(weights[layer * each : (layer + 1) * each])
            x, *end = func(x, *sizes, state, own, has_biases, 1, 0.0, train, bidirectional, *batch_first)
            ends.append(end)
            if layer < num_layers - 1:
                x = F.dropout(x, dropout, train)
        return x, *(torch.cat(parts) for parts in zip(*ends, strict=True))

    return rule
