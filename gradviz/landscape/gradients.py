"""The gradients of all minibatches at a checkpoint, for whole layers: what the arrows at the centres are parts of."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.dual import Dual, activate
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.request import Mode

# Shape suffixes: K = minibatches, B = examples of each, M/N = inputs/units of a layer.


def centre_gradients(
    network: Network, inputs_KBM: Tensor, targets_KB: Tensor, names: Sequence[str], *, mode: Mode = "eval"
) -> dict[str, Tensor]:
    """∂J_k/∂θ for each minibatch k and each tensor named: (K, *shape of the tensor), without dropout masks.

    One forward and one backward pass over all K·B rows. The gradient of a bias, γ or β is that of a shift given to each
    minibatch for itself; the gradient of a weight matrix is Σ_b g_bn h_bm with g that of the pre-activations, so its
    cost in memory is K matrices. With mode "train" each minibatch is normalized by its own statistics.
    """
    shapes = parameter_shapes(network)
    unknown = [name for name in names if name not in shapes]
    if unknown:
        raise UserError(f"`{unknown[0]}` is no parameter of this model; it has {', '.join(shapes)}.")
    batch_statistics = mode == "train" and network.has_norm
    h_KBM = inputs_KBM.to(device=network.device, dtype=network.dtype)
    wanted: dict[str, Tensor] = {}
    read: dict[str, Tensor] = {}

    def shift(name: str, width: int) -> Tensor:
        leaf = torch.zeros((len(h_KBM), 1, width), dtype=network.dtype, device=network.device, requires_grad=True)
        wanted[name] = leaf
        return leaf

    with torch.enable_grad():
        for k, layer in enumerate(network.layers):
            name = "output" if k == network.output else f"hidden.{k}.linear"
            z_KBN = torch.nn.functional.linear(h_KBM, layer.weight_NM, layer.bias_N)
            if f"{name}.weight" in names:
                rows = torch.zeros_like(z_KBN, requires_grad=True)
                wanted[f"{name}.weight"], read[f"{name}.weight"] = rows, h_KBM.detach()
                z_KBN = z_KBN + rows
            if f"{name}.bias" in names:
                z_KBN = z_KBN + shift(f"{name}.bias", layer.width)
            moved = {}
            for kind, tensor in (("gamma", "weight"), ("beta", "bias")):
                full = f"hidden.{k}.norm.{tensor}"
                if layer.norm is not None and full in names:
                    own = layer.norm.weight_N if kind == "gamma" else layer.norm.bias_N
                    moved[kind] = Dual(own + shift(full, layer.width))
            h_KBM = activate(layer, Dual(z_KBN), None, batch_statistics=batch_statistics, **moved).value
        residual_KB = network.output_scale * h_KBM[..., 0] - targets_KB.to(h_KBM)
        loss = residual_KB.abs().mean(1).sum()
        gradients = torch.autograd.grad(loss, [wanted[name] for name in names])
    return {
        name: torch.einsum("kbn,kbm->knm", gradient, read[name]) if name in read else gradient[:, 0]
        for name, gradient in zip(names, gradients, strict=True)
    }
