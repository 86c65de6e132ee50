"""The network: one-hot inputs, ReLU hidden layers with a regularizer, one output, the estimate of y."""

# Shape suffixes: B = examples of a minibatch, I = inputs, N = units of a hidden layer.

import itertools
import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.experiment.regularizers import Plain, Regularizer, dropping, placed, regularizer_of
from gradviz.experiment.studies.deliveries.fields import NUM_INPUTS


class BatchNorm(nn.Module):
    """Batch normalization over the examples of a minibatch (Ioffe & Szegedy 2015), as `nn.BatchNorm1d` computes it.

    Its running statistics have a fixed momentum, so it needs no counter of minibatches: its state is only the two
    parameters and the two running statistics.
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
    """One hidden layer: linear, then ReLU, with optional batch normalization before or after the ReLU."""

    def __init__(self, num_inputs: int, num_units: int, regularizer: Regularizer) -> None:
        super().__init__()
        self.linear = _blank_linear(num_inputs, num_units)
        self.norm = BatchNorm(num_units) if regularizer.has_batch_statistics else None
        self.norm_after = regularizer.norm_after

    def forward(self, h_BI: Tensor) -> Tensor:
        z_BN = self.linear(h_BI)
        if self.norm is None:
            return F.relu(z_BN)
        return self.norm(F.relu(z_BN)) if self.norm_after else F.relu(self.norm(z_BN))


class MLP(nn.Module):
    """The regression network of the experiment; its attributes name the parameters.

    `hidden` is a list of blocks with `.linear` and `.norm` (None without batch normalization), `output` the last
    linear map. The prediction is `output_scale` times the output of the last linear map: a fixed scale, no parameter.
    With the same generator state all regularizers start from identical linear weights.
    """

    def __init__(
        self,
        *,
        num_inputs: int = NUM_INPUTS,
        hidden: Sequence[int] = (2000, 1000, 200),
        regularizer: Regularizer | str = Plain.run_name,
        norm_placement: str | None = None,
        dropout: float | None = None,
        output_scale: float = 100.0,
        generator: torch.Generator | None = None,
    ) -> None:
        """Draws the linear parameters from `generator` (by default one seeded with 0).

        `regularizer` may be a text, such as `dropout(0.5)`. `norm_placement` and `dropout`, the arguments of version
        0.1, set the strength of a regularizer that has it, and do nothing for others.
        """
        chosen = dropping(placed(regularizer_of(regularizer), norm_placement), dropout)
        if not hidden or min(hidden) < 1:
            raise ValueError(f"`hidden` must name at least one layer of at least one unit, got {tuple(hidden)}.")
        super().__init__()
        self.regularizer = chosen
        self.output_scale = output_scale
        widths = (num_inputs, *hidden)
        self.hidden = nn.ModuleList(Block(width, num_units, chosen) for width, num_units in itertools.pairwise(widths))
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

        `masks` holds one mask (B, N) per hidden layer, which acts on the output of the layer as the regularizer says.
        A regularizer that draws masks requires them in train mode, because the caller owns the randomness; others
        ignore them.
        """
        is_masked = self.regularizer.draws_masks and self.training
        if is_masked and (masks is None or len(masks) != len(self.hidden)):
            given = "none" if masks is None else str(len(masks))
            raise ValueError(
                f"`masks` must hold one mask for each of the {len(self.hidden)} hidden layers when a network with "
                f"{self.regularizer} is in train mode, got {given}: draw them with `draw_masks`, or call `.eval()`."
            )
        h_BN = inputs_BI
        for layer, block in enumerate(self.hidden):
            h_BN = block(h_BN)
            if is_masked and masks is not None:
                h_BN = self.regularizer.acted(h_BN, masks[layer])
        return self.output_scale * self.output(h_BN).squeeze(-1)


def initialise(model: MLP, generator: torch.Generator) -> None:
    """Draws every linear weight and bias from U(-1/sqrt(fan in), 1/sqrt(fan in)), the default of `nn.Linear`.

    The draws depend only on the widths, not on the regularizer.
    """
    with torch.no_grad():
        for linear in (*(block.linear for block in model.blocks()), model.output):
            bound = 1.0 / math.sqrt(linear.in_features)
            linear.weight.uniform_(-bound, bound, generator=generator)
            linear.bias.uniform_(-bound, bound, generator=generator)


def _blank_linear(num_inputs: int, num_units: int) -> nn.Linear:
    """A linear map without values; `nn.Linear` would draw them from the global random state."""
    # Explicit, because otherwise it would move from the meta device to the CPU.
    return cast(nn.Linear, nn.utils.skip_init(nn.Linear, num_inputs, num_units, device=torch.get_default_device()))


def draw_masks(
    regularizer: Regularizer,
    widths: Sequence[int],
    num_rows: int,
    generator: torch.Generator,
    device: torch.device | None = None,
) -> list[Tensor]:
    """One float32 mask (num_rows, N) per hidden layer, as the regularizer draws them.

    Drawn on the generator's device (the CPU), then moved to `device`: the same masks everywhere.
    """
    return [regularizer.draw(torch.empty(num_rows, num_units), generator).to(device) for num_units in widths]


def num_parameters(model: nn.Module) -> int:
    """Number of trainable parameters of the network, without running statistics."""
    return sum(parameter.numel() for parameter in model.parameters())
