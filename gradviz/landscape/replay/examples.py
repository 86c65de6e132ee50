"""Networks of the usual kinds in any size, which `gradviz bench --method replay` measures and the tests make small."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Shape suffixes: B = rows, T = positions of a sequence, C = channels, H/W = rows/columns of an image.


def cross_entropy(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """(B,): of classes (B, K), or of the characters at all positions (B, T, K), the mean over these."""
    scores = model(batch["x"])
    losses = F.cross_entropy(scores.flatten(0, -2), batch["y"].flatten(), reduction="none")
    return losses.view(len(scores), -1).mean(1)


class ConvolutionalNet(nn.Module):
    """Two convolutions, each with a norm or dropout of channels, and two linear layers, for images of one channel."""

    def __init__(self, *, channels: int = 32, units: int = 128, size: int = 8, drops: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.norm1, self.norm2 = (nn.Dropout2d(0.2) if drops else nn.BatchNorm2d(c) for c in (channels, 2 * channels))
        self.fc1 = nn.Linear(2 * channels * (size // 4) ** 2, units)
        self.fc2 = nn.Linear(units, 10)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        h = F.max_pool2d(F.relu(self.norm1(self.conv1(x_BCHW))), 2)
        h = F.max_pool2d(F.relu(self.norm2(self.conv2(h))), 2)
        return self.fc2(F.relu(self.fc1(h.flatten(1))))


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        h = self.relu(self.bn1(self.conv1(x)))
        h = self.bn2(self.conv2(h))
        h += self.shortcut(x)
        return self.relu(h)


class ResidualNet(nn.Module):
    """A residual network (He et al. 2016, section 4.2) for images of 3 × 32 × 32, two blocks for each of `widths`."""

    def __init__(self, *, widths: tuple[int, ...] = (32, 64, 128, 256)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        below = (widths[0], *widths[:-1])
        self.layers = nn.ModuleList(
            nn.Sequential(_Residual(inputs, outputs), _Residual(outputs, outputs))
            for inputs, outputs in zip(below, widths, strict=True)
        )
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        h = F.relu(self.bn1(self.conv1(x_BCHW)), inplace=True)
        for layer in self.layers:
            h = layer(h)
        return self.fc(h.mean((2, 3)))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTC: Tensor) -> Tensor:
        B, T, C = x_BTC.shape
        q, k, v = (t.view(B, T, self.heads, -1).transpose(1, 2) for t in self.qkv(x_BTC).split(C, -1))
        dropout = self.dropout if self.training else 0.0
        h = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.out(h.transpose(1, 2).reshape(B, T, C))


class _TransformerBlock(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), _Attention(width, heads, dropout)
        self.norm2, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.fc2(F.gelu(self.fc1(self.norm2(x)))))


class CharTransformer(nn.Module):
    """A small decoder (Radford et al. 2019) over characters, whose embedding is also its output matrix."""

    def __init__(
        self,
        *,
        characters: int = 65,
        positions: int = 64,
        width: int = 128,
        heads: int = 4,
        blocks: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.position = nn.Parameter(0.02 * torch.randn(positions, width))
        self.blocks = nn.ModuleList(_TransformerBlock(width, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x_BT: Tensor) -> Tensor:
        h = self.embedding(x_BT) + self.position[: x_BT.shape[1]]
        for block in self.blocks:
            h = block(h)
        return self.head(self.norm(h))


class RecurrentNet(nn.Module):
    """Characters through stacked recurrent layers, of which the last position is classified."""

    def __init__(
        self,
        cell: type[nn.GRU] | type[nn.LSTM] = nn.GRU,
        *,
        characters: int = 40,
        width: int = 128,
        layers: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.cell = cell(width, width, layers, batch_first=True, dropout=dropout)
        self.output = nn.Linear(width, 10)

    def forward(self, x_BT: Tensor) -> Tensor:
        return self.output(self.cell(self.embedding(x_BT))[0][:, -1])


@dataclass(frozen=True)
class Example:
    """A model of random parameters with a minibatch and a loss."""

    model: nn.Module
    loss: Callable[[Any, Any], Tensor]
    batch: Any


def example(model: nn.Module, *, rows: int, positions: int = 0, seed: int = 0) -> Example:
    """The model with running statistics that are somewhat off, and a minibatch that fits it."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(model, CharTransformer | RecurrentNet):
        characters = model.embedding.num_embeddings
        x = torch.randint(0, characters, (rows, positions), generator=generator)
        y = x.roll(-1, 1) if isinstance(model, CharTransformer) else x.sum(1) % 10
        return Example(model, cross_entropy, {"x": x, "y": y})
    sides = {ConvolutionalNet: (1, 8, 8), ResidualNet: (3, 32, 32)}[type(model)]
    x = torch.randn((rows, *sides), generator=generator)
    _run(model, x, generator)
    return Example(model, cross_entropy, {"x": x, "y": torch.randint(0, 10, (rows,), generator=generator)})


def _run(model: nn.Module, x: Tensor, generator: torch.Generator) -> None:
    """Gives batch norms the statistics of `x`, and moves these by up to 0.3 deviations: with others a deep network is
    dead above."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        model.eval()  # no dropout draws
        for norm in norms:
            norm.train().momentum = 1.0
        model(x)
        for norm in norms:
            norm.momentum = 0.1
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean += 0.3 * torch.rand(norm.num_features, generator=generator) * norm.running_var.sqrt()
            norm.running_var *= 1 + 0.3 * torch.rand(norm.num_features, generator=generator)
        model.train()
