"""One forward and one backward pass over the rows of many minibatches: every gradient as a product of two factors.

The gradient of a weight matrix is Σ_b g_bn h_bm, with h the input of the layer and g the gradient of the
pre-activations. As factors it takes no K matrices, and also gives the gradient of each example.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.dual import Dual, activate
from gradviz.landscape.network import Network
from gradviz.landscape.request import Mode
from gradviz.landscape.rows import check_finite, check_rows, check_size
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, B = examples of each, M/N = inputs/units of a layer.


@dataclass(frozen=True)
class LayerFactors:
    """One layer at K minibatches: its inputs, and ∂J_k/∂(pre-activation of row b).

    `gamma_KN` and `beta_KN` are the gradients of its norm's parameters, None without a norm.
    """

    inputs_KBM: Tensor
    gradient_KBN: Tensor
    gamma_KN: Tensor | None
    beta_KN: Tensor | None


@dataclass(frozen=True)
class Backward:
    """The factors of the requested layers, by index; the pre-activations and residuals (prediction - target) of all.

    With averaged masks B runs over the rows of all sets, each with its part of the gradient.
    """

    network: Network
    batch_statistics: bool
    drops: bool
    layers: dict[int, LayerFactors]
    pre: tuple[Tensor, ...]
    residual_KB: Tensor

    @property
    def share_below_K(self) -> Tensor:
        """(K,) float64: the share of each minibatch's rows predicted below their target."""
        return (self.residual_KB < 0).double().mean(1)

    def tensor(self, name: str) -> Tensor:
        """∂J_k/∂θ of the tensor `name` for each minibatch: (K, *shape of the tensor)."""
        factors, kind = self.layers[layer_of(self.network, name)], name.split(".", 2)[-1]
        if kind == "norm.weight":
            assert factors.gamma_KN is not None
            return factors.gamma_KN
        if kind == "norm.bias":
            assert factors.beta_KN is not None
            return factors.beta_KN
        if kind.endswith("weight"):
            return torch.bmm(factors.gradient_KBN.transpose(1, 2), factors.inputs_KBM)
        return factors.gradient_KBN.sum(1)


@undisturbed()
def backward(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    *,
    mode: Mode = "eval",
    gains: Sequence[Tensor] | None = None,
    layers: Collection[int] | None = None,
) -> Backward:
    """The factors of J_k = mean_b |o_kb - y_kb| at `layers` (default: all).

    With mode "train" each minibatch is normalized with its own statistics. `gains` are dropout masks divided by their
    keep-probability, one (K, B, N) or (B, N) per hidden layer; without them no unit is dropped. `UserError` for rows
    that do not fit the network, or a gradient that is not finite.
    """
    check_rows(network, inputs_KBM, targets_KB, axes="KB")
    check_size(network, mode, inputs_KBM.shape[1])
    wanted = range(len(network.layers)) if layers is None else layers
    batch_statistics = mode == "train" and network.has_norm
    h_KBM = inputs_KBM.to(device=network.device, dtype=network.dtype)
    read: dict[int, Tensor] = {}
    asked: dict[int, Tensor] = {}
    pre: list[Tensor] = []
    shifts: dict[tuple[int, str], Tensor] = {}
    with torch.enable_grad():
        for k, layer in enumerate(network.layers):
            z_KBN = torch.nn.functional.linear(h_KBM, layer.weight_NM, layer.bias_N)
            moved = {}
            if k in wanted:
                read[k] = h_KBM.detach()
                asked[k] = z_KBN if z_KBN.requires_grad else z_KBN.requires_grad_()
                if layer.norm is not None:
                    for kind, own_N in (("gamma", layer.norm.weight_N), ("beta", layer.norm.bias_N)):
                        shift = own_N.new_zeros((len(h_KBM), 1, layer.width)).requires_grad_()
                        shifts[k, kind] = shift
                        moved[kind] = Dual(own_N + shift)
            pre.append(z_KBN.detach())
            gain = None if gains is None or k == network.output else gains[k]
            h_KBM = activate(layer, Dual(z_KBN), gain, batch_statistics=batch_statistics, **moved).value
        residual_KB = network.output_scale * h_KBM[..., 0] - targets_KB.to(h_KBM)
        loss = residual_KB.abs().mean(1).sum()
        gradients = torch.autograd.grad(loss, [*asked.values(), *shifts.values()])
    check_finite(network, loss.detach(), *gradients)
    of_pre = dict(zip(asked, gradients, strict=False))
    of_shift = {key: gradient[:, 0] for key, gradient in zip(shifts, gradients[len(asked) :], strict=True)}
    factors = {
        k: LayerFactors(read[k], of_pre[k], of_shift.get((k, "gamma")), of_shift.get((k, "beta"))) for k in asked
    }
    return Backward(network, batch_statistics, gains is not None, factors, tuple(pre), residual_KB.detach())


def average(passes: Sequence[Backward]) -> Backward:
    """The mean gradient of several passes over the same minibatches (sets of masks), as factors again."""
    first = passes[0]
    layers = {}
    for k, own in first.layers.items():
        assert own.gamma_KN is None, "masks and norms do not meet in one network"
        factors = [passed.layers[k] for passed in passes]
        inputs_KBM = torch.cat([each.inputs_KBM for each in factors], 1)
        gradient_KBN = torch.cat([each.gradient_KBN for each in factors], 1) / len(passes)
        layers[k] = LayerFactors(inputs_KBM, gradient_KBN, None, None)
    pre = tuple(torch.cat(tensors, 1) for tensors in zip(*(passed.pre for passed in passes), strict=True))
    residual_KB = torch.cat([passed.residual_KB for passed in passes], 1)
    return Backward(first.network, first.batch_statistics, first.drops, layers, pre, residual_KB)


def layer_of(network: Network, tensor_name: str) -> int:
    """The index of the layer of a tensor in the state dict."""
    return network.output if tensor_name.startswith("output.") else int(tensor_name.split(".")[1])
