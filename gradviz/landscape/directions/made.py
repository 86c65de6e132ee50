"""Directions made from a seed and the weights alone."""

import hashlib

import torch
from torch import Tensor, nn

from gradviz.landscape.directions.axis import Random
from gradviz.landscape.directions.checking import check_moves, under
from gradviz.landscape.directions.vector import Parameters, Vector
from gradviz.landscape.replay.axes import check_scalar
from gradviz.landscape.scalar import Scalar


def random_vector(axis: Random, parameters: Parameters) -> Vector:
    """Gaussian numbers, filter-normalized (Li et al. 2018, arXiv:1712.09913, section 4).

    Each filter (a row of a matrix, an output channel of a kernel) gets the length of the checkpoint's own. Tensors of
    one axis, biases and norms, do not move, as in the paper; with `moves_all` each is one filter. A tensor's numbers
    depend on the seed and its name alone.
    """
    check_moves(axis, {name: own.shape for name, own in parameters.items()})
    parts = {}
    for name in under(axis.prefix, parameters, axis):
        own = parameters[name]
        if own.ndim >= 2 or axis.moves_all:
            rows = (own.shape[0], -1) if own.ndim >= 2 else (1, -1)
            drawn, weights = _gaussian(axis.seed, name, own).reshape(rows), own.reshape(rows)
            lengths = [torch.linalg.vector_norm(each, dim=1, keepdim=True) for each in (drawn, weights)]
            parts[name] = (drawn * (lengths[1] / lengths[0])).reshape(own.shape)
    still = "" if axis.moves_all else "; biases and norms do not move"
    meaning = f"a random vector as large as the weights, filter by filter{still}"
    return Vector(str(axis), parts, meaning, unit="as large as the weights")


def scalar_vector(axis: Scalar, model: nn.Module) -> Vector:
    """One parameter, as a direction that can be put beside others; `UserError` if the model has none of this name."""
    own = check_scalar(model, axis)
    one = torch.zeros_like(own, dtype=torch.float64, device="cpu")
    one[axis.index] = 1
    # A shared tensor goes by its first name in all vectors, or inner products would miss it.
    name = next(name for name, parameter in model.named_parameters() if parameter is own)
    return Vector(str(axis), {name: one}, f"1 in {axis}", unit="1 in its own unit")


def _gaussian(seed: int, name: str, like: Tensor) -> Tensor:
    digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
    return torch.randn(like.shape, generator=generator, dtype=torch.float64)
