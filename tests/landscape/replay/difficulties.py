"""Small models that each contain one difficulty, with the method that must compute them."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

TILES, POINTS, WHOLE, LOOP = "replay tiles (vmap)", "replay", "replay without channels", "reference"
GRADIENTS = "replay tiles (vmap of gradients)"


class Net(nn.Module):
    """6 inputs → a (8) → middle → b (8) → tanh → c (3 classes)."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def middle(self, h: Tensor) -> Tensor:
        return F.relu(h)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(torch.tanh(self.b(self.middle(self.a(x)))))


class InPlaceModule(Net):
    def middle(self, h):
        return nn.ReLU(inplace=True)(h)


class InPlaceForItsEffect(Net):
    def middle(self, h):
        F.dropout(h, 0.4, self.training, inplace=True)
        F.leaky_relu(h, 0.1, inplace=True)
        return h


class InPlaceChain(Net):
    def middle(self, h):
        twin = h
        h += 1.0
        h.mul_(0.5).clamp_(-0.4, 0.9)
        return h * twin


class InPlaceOnTheInput(Net):
    def forward(self, x):
        x *= 2.0
        return super().forward(x)


class WritesElements(Net):
    def middle(self, h):
        h = h.clone()
        h[:, 0] = 0.0
        h[:, 1] = 2 * h[:, 2]
        h[h < -1] = -1.0
        return h


class WritesThroughAView(Net):
    def middle(self, h):
        h = h * 1.0
        h.view(-1, 2, 4)[:, 0].mul_(0.5)
        return h


class WritesIntoABlank(Net):
    def middle(self, h):
        blank = torch.zeros(len(h), 8, dtype=h.dtype)
        blank[:, :4] = h[:, 4:]
        blank[:, 4:].copy_(h[:, :4])
        return torch.addmm(blank, h, h.mT @ h, out=None)


class ReadsBeforeAndAfter(Net):
    def middle(self, h):
        flat = h.flatten()
        h = h + 1.0
        flat.mul_(2.0)
        return h + flat.view_as(h)


class ChangesWhatHasViews(Net):
    def middle(self, h):
        pairs = h.view(-1, 2, 8)
        h.mul_(2.0)
        return h + torch.sin(pairs).view_as(h)


class ClampsItsWeight(Net):
    def forward(self, x):
        self.a.bias.data.clamp_(-0.3, 0.3)
        return super().forward(x)


class Branches(Net):
    def middle(self, h):
        if h.mean() > 0:
            h = 2 * h
        for _ in range(int(h.abs().sum().item()) % 3 + 1):
            h = torch.sin(h)
        return h


class LeavesTorch(Net):
    def middle(self, h):
        return h / float(h.detach().numpy().std())


class BatchStatistics(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(8)

    def middle(self, h):
        return F.relu(self.norm(h))


class FiveArguments(Net):
    """Normalizes with statistics of its own; that it does not take the minibatch's is left unsaid."""

    def middle(self, h):
        return F.relu(F.batch_norm(h, h.new_zeros(8), 2 * h.new_ones(8), h.new_ones(8), h.new_zeros(8)))


class RunningAverage(Net):
    mean: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(8))

    def middle(self, h):
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * h.detach().mean(0))
        return h - self.mean


class Drops(Net):
    def __init__(self):
        super().__init__()
        self.drop = nn.Sequential(nn.Dropout(0.4), nn.AlphaDropout(0.2))

    def middle(self, h):
        return self.drop(h)


class Draws(Net):
    def middle(self, h):
        return h + 0.1 * torch.randn_like(h) * torch.rand(8).to(h.dtype) if self.training else h


class Rrelu(Net):
    def middle(self, h):
        return F.rrelu(h, training=self.training) + F.gumbel_softmax(h) * self.training


class StochasticDepth(Net):
    def middle(self, h):
        return torch.sin(h) if self.training and torch.rand(()) < 0.5 else h


class NoiseInABuffer(Net):
    noise: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("noise", torch.zeros(8))

    def middle(self, h):
        if self.training:
            self.noise.normal_()
        return h + self.noise


class Attends(Net):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)

    def middle(self, h):
        h = h.view(2, -1, 8)
        mixed, weights = self.attention(h, h, h)
        return (h + mixed).reshape(-1, 8) + weights.sum()


class Encodes(Net):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 12, 0.2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def middle(self, h):
        return self.encoder(h.view(2, -1, 8)).reshape(-1, 8)


class Recurs(Net):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(8, 4, 2, batch_first=True, dropout=0.3, bidirectional=True)

    def middle(self, h):
        return self.cell(h.view(2, -1, 8))[0].reshape(-1, 8)


class RecursOnce(Net):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(8, 8, batch_first=True)

    def middle(self, h):
        return self.cell(h.view(2, -1, 8))[0].reshape(-1, 8)


class Packs(Net):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(8, 8, 2, batch_first=True, dropout=0.3)

    def middle(self, h):
        packed = nn.utils.rnn.pack_padded_sequence(h.view(4, -1, 8), torch.tensor([3, 3, 2, 1]), batch_first=True)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.cell(packed)[0], batch_first=True)
        return out.reshape(-1, 8)


class Tied(Net):
    def __init__(self):
        super().__init__()
        self.d = self.b.weight

    def middle(self, h):
        return h @ self.d.T


class Normalised(Net):
    def __init__(self):
        super().__init__()
        parametrizations.weight_norm(self.a)
        parametrizations.spectral_norm(self.b)


class NormalisedOfOld(Net):
    def __init__(self):
        super().__init__()
        nn.utils.weight_norm(self.a)


class Complex(Net):
    def __init__(self):
        super().__init__()
        self.z = nn.Parameter(torch.randn(8, 8, dtype=torch.complex64))

    def middle(self, h):
        return torch.fft.ifft(torch.fft.fft(h) @ self.z).real


class Sparse(Net):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(10, 8, sparse=True, mode="sum")

    def forward(self, x):
        rows = (3 * x[:, :3].abs()).long().clamp(0, 9)
        return self.c(torch.tanh(self.b(self.a(x) + self.bag(rows))))


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx, grad):
        return grad * (ctx.saved_tensors[0] > 0)


class OwnFunction(Net):
    def middle(self, h):
        return _Clamp.apply(h)


class _Shift(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, bias):
        return x + bias

    @staticmethod
    def backward(ctx, grad):
        return grad, grad.sum(0)


class OwnFunctionOfAWeight(Net):
    def forward(self, x):
        return self.c(torch.tanh(self.b(_Shift.apply(x @ self.a.weight.T, self.a.bias))))


class Rematerialises(Net):
    def forward(self, x):
        h = torch.utils.checkpoint.checkpoint(lambda h: self.b(F.relu(h)), self.a(x), use_reentrant=False)
        return self.c(torch.tanh(h))


class RematerialisesOfOld(Net):
    def forward(self, x):
        h = torch.utils.checkpoint.checkpoint(lambda h: self.b(F.relu(h)), self.a(x), use_reentrant=True)
        return self.c(torch.tanh(h))


class DropsBackwards(Net):
    def forward(self, x):
        def block(h):
            return self.b(F.dropout(h, 0.5, self.training))

        return self.c(torch.utils.checkpoint.checkpoint(block, self.a(x), use_reentrant=False))


class Hooked(Net):
    def __init__(self):
        super().__init__()
        self.b.register_forward_hook(lambda module, inputs, output: output.mul(1.5))


class CountsInABuffer(Net):
    calls: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def middle(self, h):
        self.calls += 1
        return h * (1 + 0.1 * self.calls)


class CountsInAnAttribute(Net):
    calls = 0

    def middle(self, h):
        self.calls += 1
        return h * (1 + 0.1 * self.calls)


class DrawsFromNumpy(Net):
    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(0)

    def middle(self, h):
        return h * float(self.random.random())


class DrawsUnseen(Net):
    def middle(self, h):
        return F.fractional_max_pool2d(h.view(1, -1, 4, 4), 2, output_size=2).flatten().sum() * h


class Scripted(Net):
    def __init__(self):
        super().__init__()
        self.script = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.Tanh()))

    def middle(self, h):
        return self.script(h)  # pyright: ignore[reportReturnType]


class Autocasts(Net):
    def middle(self, h):
        with torch.autocast("cpu", torch.bfloat16):
            return self.b(h).to(h.dtype)


class HalvesItself(Net):
    def middle(self, h):
        return h.to(torch.bfloat16).sin().to(h.dtype)


class NamesFloat32(Net):
    def middle(self, h):
        scale = h.float().pow(2).mean(-1, keepdim=True).rsqrt()
        return (h.to(torch.float32) * scale).to(self.b.weight.dtype)


class DifferentiatesInside(Net):
    def forward(self, x):
        x = x.detach().requires_grad_()
        y = super().forward(x)
        [slope] = torch.autograd.grad(y.sum(), x, create_graph=True)
        return y + slope.square().sum()


class StopsTheGradient(Net):
    def middle(self, h):
        with torch.no_grad():
            scale = self.a.bias.abs().sum() + h.abs().mean()
        return h / scale + h.detach()


class HasBuffers(Net):
    mask: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.tril(torch.ones(8, 8)), persistent=False)
        self.plain = torch.linspace(0, 1, 8)

    def middle(self, h):
        return (h @ self.mask + self.plain).relu_()


class Batch(NamedTuple):
    x: Tensor
    y: Tensor


@dataclass
class Nested:
    """A minibatch in a dataclass, whose loss takes it apart and changes it."""

    inputs: dict[str, list[Tensor]]
    y: Tensor
    note: str = "kept"


def cross_entropy(model: nn.Module, batch: Any) -> Tensor:
    return F.cross_entropy(model(batch["x"]), batch["y"], reduction="none")


def of_tuple(model: nn.Module, batch: Batch) -> Tensor:
    return F.cross_entropy(model(batch.x), batch.y)


def of_nested(model: nn.Module, batch: Nested) -> Tensor:
    assert batch.note == "kept"
    batch.note = "changed"
    return F.cross_entropy(model(batch.inputs["parts"].pop()), batch.y)


@dataclass(frozen=True)
class Difficulty:
    model: Callable[[], nn.Module]
    eval: str = TILES
    """The method in eval mode; a text with spaces that is none is the refusal."""
    train: str | None = TILES
    """The method in train mode with fresh masks; None: as in eval mode."""
    x: str = "a.bias[2]"
    y: str = "b.bias[1]"
    loss: Callable[..., Tensor] = cross_entropy
    batch: Callable[[Tensor, Tensor], Any] = lambda x, y: {"x": x, "y": y}
    by_hand: bool | str = True
    """Whether `functional_call` of a copy in float64 is the same function: in the mode of this name, or in both."""

    def __str__(self) -> str:
        return self.model.__name__

    def made(self) -> tuple[nn.Module, Any]:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return self.model(), copy.deepcopy(self.batch(torch.randn(12, 6), torch.randint(0, 3, (12,))))


COUNTS = "the second time"
UNSEEN = "cannot be seeded"
BACKWARDS = "in the backward pass"

DIFFICULTIES = [
    Difficulty(Net),
    Difficulty(Net, x="a.weight[2,3]", y="c.weight[1,7]"),
    Difficulty(Net, loss=of_tuple, batch=Batch),
    Difficulty(Net, loss=of_nested, batch=lambda x, y: Nested({"parts": [x]}, y), by_hand=False),
    Difficulty(InPlaceModule),
    Difficulty(InPlaceForItsEffect, by_hand="eval"),
    Difficulty(InPlaceChain),
    Difficulty(InPlaceOnTheInput, by_hand=False),
    Difficulty(WritesElements, POINTS, POINTS),
    Difficulty(WritesThroughAView),
    Difficulty(WritesThroughAView, LOOP, LOOP, x="b.bias[0]", y="c.bias[1]"),
    Difficulty(WritesIntoABlank, POINTS, POINTS),
    Difficulty(ReadsBeforeAndAfter),
    Difficulty(ChangesWhatHasViews, WHOLE, WHOLE),
    Difficulty(ClampsItsWeight, LOOP, LOOP, by_hand=False),
    Difficulty(Branches, POINTS, POINTS),
    Difficulty(Branches, y="c.weight[0,0]", x="c.weight[2,1]"),
    Difficulty(LeavesTorch, POINTS, POINTS),
    Difficulty(BatchStatistics),
    Difficulty(FiveArguments),
    Difficulty(RunningAverage),
    Difficulty(Drops, by_hand="eval"),
    Difficulty(Draws, train=POINTS, by_hand=False),
    Difficulty(Rrelu, POINTS, POINTS, by_hand=False),
    Difficulty(StochasticDepth, train=POINTS, by_hand=False),
    Difficulty(NoiseInABuffer, train=POINTS, by_hand=False),
    Difficulty(Attends),
    Difficulty(Encodes),
    Difficulty(Recurs, POINTS, POINTS, by_hand="eval"),
    Difficulty(Recurs, POINTS, POINTS, x="cell.weight_hh_l0_reverse[3,2]", by_hand="eval"),
    Difficulty(RecursOnce, GRADIENTS, GRADIENTS, x="cell.weight_hh_l0[3,2]"),
    Difficulty(Packs, POINTS, POINTS, x="cell.bias_ih_l0[3]", by_hand="eval"),
    Difficulty(Tied, x="b.weight[2,3]", y="b.bias[2]"),
    Difficulty(Normalised, POINTS, x="a.parametrizations.weight.original1[2,3]", train=POINTS, y="c.bias[1]"),
    Difficulty(Normalised, x="b.parametrizations.weight.original[2,3]", y="c.bias[1]"),
    Difficulty(NormalisedOfOld, POINTS, POINTS, x="a.weight_g[1,0]", y="a.weight_v[1,1]", by_hand=False),
    Difficulty(Complex, by_hand=False),
    Difficulty(Sparse, by_hand=False),
    Difficulty(Sparse, LOOP, LOOP, x="bag.weight[1,4]", by_hand=False),
    Difficulty(OwnFunction, WHOLE, WHOLE),
    Difficulty(OwnFunctionOfAWeight, LOOP, LOOP),
    Difficulty(Rematerialises, POINTS, POINTS, by_hand=False),
    Difficulty(RematerialisesOfOld, LOOP, LOOP, by_hand=False),
    Difficulty(DropsBackwards, POINTS, BACKWARDS, by_hand=False),
    Difficulty(Hooked),
    Difficulty(CountsInABuffer),
    Difficulty(CountsInAnAttribute, COUNTS, COUNTS),
    Difficulty(DrawsFromNumpy, COUNTS, COUNTS),
    Difficulty(DrawsUnseen, UNSEEN, UNSEEN),
    Difficulty(Scripted, WHOLE, WHOLE, by_hand=False),
    Difficulty(Scripted, LOOP, LOOP, x="script.0.weight[0,1]", by_hand=False),
    Difficulty(Autocasts, LOOP, LOOP, by_hand=False),
    Difficulty(HalvesItself, LOOP, LOOP, by_hand=False),
    Difficulty(NamesFloat32, by_hand=False),
    Difficulty(DifferentiatesInside, LOOP, LOOP),
    Difficulty(StopsTheGradient, LOOP, LOOP),
    Difficulty(HasBuffers, by_hand=False),
]
