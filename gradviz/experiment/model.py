"""The network: 675 one-hot inputs, ReLU hidden layers with one of three regularizers, one output, the estimate of y."""

# Shape suffixes: B = examples of a minibatch, I = inputs, N = units of a hidden layer.

import itertools
import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.experiment.config import NORM_PLACEMENTS, VARIANTS, NormPlacement, Variant


class BatchNorm(nn.Module):
    """Batch normalization over the examples of a minibatch (Ioffe & Szegedy 2015), as `nn.BatchNorm1d` computes it.

    Its running statistics move by a fixed momentum, so it needs no counter of minibatches: its state is the two
    parameters and the two running statistics, nothing else.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, z_BN: Tensor) -> Tensor:
        return F.batch_norm(
            z_BN,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class Block(nn.Module):
    """One hidden layer: linear, then ReLU, with batch normalization `before` or `after` the ReLU if it has any."""

    def __init__(self, num_inputs: int, num_units: int, *, norm: bool, norm_placement: NormPlacement) -> None:
        super().__init__()
        self.linear = _blank_linear(num_inputs, num_units)
        self.norm = BatchNorm(num_units) if norm else None
        self.norm_placement = norm_placement

    def forward(self, h_BI: Tensor) -> Tensor:
        z_BN = self.linear(h_BI)
        if self.norm is None:
            return F.relu(z_BN)
        if self.norm_placement == "before":
            return F.relu(self.norm(z_BN))
        return self.norm(F.relu(z_BN))


class MLP(nn.Module):
    """The regression network of the experiment; parameters are named as its attributes are.

    `hidden` is a list of blocks with `.linear` and `.norm` (None without batch normalization), `output` the last
    linear map. The prediction is `output_scale` times the output of the last linear map: a fixed scale, no parameter.
    The three variants of one generator state start from identical linear weights.
    """

    def __init__(
        self,
        *,
        num_inputs: int = 675,
        hidden: Sequence[int] = (2000, 1000, 200),
        regularizer: Variant = "none",
        norm_placement: NormPlacement = "before",
        dropout: float = 0.3,
        output_scale: float = 100.0,
        generator: torch.Generator | None = None,
    ) -> None:
        """Draws the linear parameters from `generator` (a generator seeded with 0 when there is none)."""
        if regularizer not in VARIANTS:
            raise ValueError(f"`regularizer` must be one of {', '.join(VARIANTS)}, got {regularizer!r}.")
        if norm_placement not in NORM_PLACEMENTS:
            raise ValueError(f"`norm_placement` must be one of {', '.join(NORM_PLACEMENTS)}, got {norm_placement!r}.")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"`dropout` must be in [0, 1), got {dropout}: it is the share of units switched off.")
        if not hidden or min(hidden) < 1:
            raise ValueError(f"`hidden` must name at least one layer of at least one unit, got {tuple(hidden)}.")
        super().__init__()
        self.regularizer: Variant = regularizer
        self.norm_placement: NormPlacement = norm_placement
        self.dropout = dropout
        self.output_scale = output_scale
        widths = (num_inputs, *hidden)
        norm = regularizer == "batchnorm"
        self.hidden = nn.ModuleList(
            Block(width, num_units, norm=norm, norm_placement=norm_placement)
            for width, num_units in itertools.pairwise(widths)
        )
        self.output = _blank_linear(widths[-1], 1)
        if not self.output.weight.is_meta:
            initialise(self, generator or torch.Generator().manual_seed(0))

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(block.linear.out_features for block in self.blocks())

    def blocks(self) -> list[Block]:
        """The hidden layers, first to last."""
        return [block for block in self.hidden if isinstance(block, Block)]

    def forward(self, inputs_BI: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Predictions, shape (B,).

        `masks` holds one keep-mask (B, N) of bool or 0/1 floats per hidden layer; it multiplies the output of the
        layer by mask / (1 - p). Only dropout in train mode reads it, and it must: the caller owns the randomness.
        """
        drops = self.regularizer == "dropout" and self.training
        if drops and (masks is None or len(masks) != len(self.hidden)):
            given = "none" if masks is None else str(len(masks))
            raise ValueError(
                f"`masks` must hold one keep-mask for each of the {len(self.hidden)} hidden layers when a dropout "
                f"network is in train mode, got {given}: draw them with `draw_masks`, or call `.eval()`."
            )
        h_BN = inputs_BI
        for layer, block in enumerate(self.hidden):
            h_BN = block(h_BN)
            if drops and masks is not None:
                h_BN = h_BN * masks[layer] / (1.0 - self.dropout)
        return self.output_scale * self.output(h_BN).squeeze(-1)


def initialise(model: MLP, generator: torch.Generator) -> None:
    """Draws every linear weight and bias from U(-1/sqrt(fan in), 1/sqrt(fan in)), the default of `nn.Linear`.

    The draws depend on the widths alone, not on the regularizer.
    """
    with torch.no_grad():
        for linear in (*(block.linear for block in model.blocks()), model.output):
            bound = 1.0 / math.sqrt(linear.in_features)
            linear.weight.uniform_(-bound, bound, generator=generator)
            linear.bias.uniform_(-bound, bound, generator=generator)


def _blank_linear(num_inputs: int, num_units: int) -> nn.Linear:
    """A linear map without values yet: `nn.Linear` would draw them from the global random state."""
    # Named, since without a name it would leave the meta device for the CPU.
    return cast(nn.Linear, nn.utils.skip_init(nn.Linear, num_inputs, num_units, device=torch.get_default_device()))


def draw_masks(
    widths: Sequence[int], num_rows: int, dropout: float, generator: torch.Generator, device: torch.device | None = None
) -> list[Tensor]:
    """One keep-mask (num_rows, N) of 0/1 float32 per hidden layer; each unit is kept with probability 1 - `dropout`.

    Drawn on the generator's device (the CPU), then moved to `device`: the same masks everywhere.
    """
    return [
        torch.empty(num_rows, num_units).bernoulli_(1.0 - dropout, generator=generator).to(device)
        for num_units in widths
    ]


def num_parameters(model: nn.Module) -> int:
    """Trainable numbers of the network; running statistics are not among them."""
    return sum(parameter.numel() for parameter in model.parameters())
