"""The gradients of all minibatches at a checkpoint, for whole layers; the centre arrows are parts of them."""

from collections.abc import Sequence

from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.backward import backward, layer_of
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.request import Mode
from gradviz.landscape.rows import check_network

# Shape suffixes: K = minibatches, B = examples of each, M = inputs of the network.


def centre_gradients(
    network: Network, inputs_KBM: Tensor, targets_KB: Tensor, names: Sequence[str], *, mode: Mode = "eval"
) -> dict[str, Tensor]:
    """∂J_k/∂θ for each minibatch k and each named tensor: (K, *shape of the tensor), without dropout masks.

    One forward and one backward pass over all K·B rows; the gradient of a weight matrix costs K matrices in memory.
    With mode "train" each minibatch is normalized with its own statistics. `UserError` for an unknown tensor, or
    minibatches that do not fit.
    """
    check_network(network)
    shapes = parameter_shapes(network)
    if isinstance(names, str):
        raise UserError(f"`names` must be a list of tensors, got the text {names!r}: write [{names!r}].")
    unknown = [name for name in names if name not in shapes]
    if unknown:
        raise UserError(f"`{unknown[0]}` is not a parameter of this model, which has {', '.join(shapes)}.")
    layers = {layer_of(network, name) for name in names}
    passed = backward(network, inputs_KBM, targets_KB, mode=mode, layers=layers)
    return {name: passed.tensor(name) for name in names}
