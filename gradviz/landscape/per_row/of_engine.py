"""The fields of rows by the engine: what it has before its mean over the rows."""

import torch

from gradviz.landscape.evaluate import terms_on_grid
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.network import check_spec, parameter_shapes
from gradviz.landscape.per_row.fields import RowFields, check_numbers
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.rows import check_finite, check_size
from gradviz.landscape.surroundings import undisturbed
from gradviz.landscape.tiling import Part

# Shape suffixes: B = rows of the minibatch, X/Y = grid columns/rows.


def of_minibatch(minibatch: Minibatch, spec: LandscapeSpec) -> RowFields:
    """The fields of all rows for the cost of the minibatch's field without its zero flags."""
    network, num_rows = minibatch.network, len(minibatch.inputs)
    check_spec(parameter_shapes(network), spec)
    check_size(network, spec.mode, num_rows)
    check_numbers(num_rows, spec.points)
    like = {"dtype": network.dtype, "device": network.device}
    numbers_3BYX = torch.zeros((3, num_rows, spec.points, spec.points), **like)
    with undisturbed(), torch.inference_mode():
        passes = minibatch.passes(spec)
        for clean in passes:
            for terms in terms_on_grid(clean(), minibatch.targets, spec, Part.whole(spec)):
                at_3BYX = numbers_3BYX[:, :, terms.tile.rows, terms.tile.columns]
                each = (*terms.derivatives_YXB, terms.residual_YXB.abs())
                for own_BYX, term_YXB in zip(at_3BYX, each, strict=True):
                    own_BYX.add_(term_YXB.permute(2, 0, 1), alpha=1 / len(passes))
    check_finite(network, *numbers_3BYX)
    coupled = spec.mode == "train" and network.has_norm
    return RowFields(
        *minibatch.axes(spec),
        *numbers_3BYX.cpu().numpy(),
        coupled=coupled,
        has_masks=minibatch.draws_masks(spec),
    )
