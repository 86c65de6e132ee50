"""The built-in network with each row at a point of the plane of its own, instead of all rows on a grid."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.dual import Dual
from gradviz.landscape.engine import Move, propagate
from gradviz.landscape.flipped import at_checkpoint, through_relu_near
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.undecided import Change

# Shape suffix: B = rows.


def outputs_at(clean: CleanPass, refs: tuple[ParameterRef, ParameterRef], steps_2B: Tensor) -> Dual:
    """Predictions (B,) and their derivatives, with the masks of `clean`.

    `steps_2B`: each row's offsets from the checkpoint, along x and along y. Rows that depend on each other (batch
    statistics) must share theirs.
    """
    network = clean.network
    x, y = steps_2B.to(device=network.device, dtype=network.dtype)[:, None, None, :, None]
    one = torch.ones((1, 1, 1, 1), dtype=network.dtype, device=network.device)
    layers = [network.output if ref.layer is None else ref.layer for ref in refs]
    moves = [Move(refs[0], layers[0], Dual(x, dx=one)), Move(refs[1], layers[1], Dual(y, dy=one))]
    # Elsewhere than on a CPU sums by index have no fixed order.
    near = partial(_near, clean) if network.device.type == "cpu" else None
    outputs, _ = propagate(clean, moves, near=near)
    return outputs.map(lambda t: (t[0, 0, :, 0] * network.output_scale).expand(len(clean)))


def _near(clean: CleanPass, k: int, changes: Sequence[Change]) -> Dual | None:
    """`through_relu` of layer `k`, if that is quicker by what `clean` keeps of it."""
    key = (k, *(change.unit for change in changes))
    if key not in clean.near:
        layer, after = clean.network.layers[k : k + 2]
        clean.near = {key: at_checkpoint(layer, after, clean.pre(k), clean.gain(k), changes)}
    return through_relu_near(clean.near[key], clean.gain(k), changes)
