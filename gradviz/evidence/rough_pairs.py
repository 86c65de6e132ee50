"""The roughness of pairs of random live units, beside that of the first two units of a picture."""

# Shape suffixes: K = minibatches, N = units of the layer.

from collections.abc import Callable

import torch

from gradviz.evidence.agreeing import bootstrap
from gradviz.evidence.controls import RoughPairs
from gradviz.evidence.live_pairs import drawn_pairs, live_units, mean_of_those_there, panel_gradients
from gradviz.evidence.roughening import neighbour_angle
from gradviz.evidence.scenes import SceneSpec
from gradviz.landscape import GradientField, LandscapeRequest, Network

ROUGH_PAIRS = 10
MINIBATCHES = 4
FRESH_MINIBATCHES = 1
"""With masks drawn anew at each point, which cost a pass for each: such a field is of as many sets of masks as it has
points, and that of another minibatch was seen to be as rough within a few degrees where pairs of units differ by 50."""

Landscape = Callable[[LandscapeRequest], GradientField]


def rough_pairs_of(
    network: Network, rows: tuple[torch.Tensor, torch.Tensor], spec: SceneSpec, landscape: Landscape
) -> tuple[RoughPairs, ...]:
    """For each panel of a picture, on its grid, in its mode and with its masks: pairs of live units of its tensor.

    Costs as many fields as there are pairs and minibatches: at most 10 × 4 (10 × 1) for each panel.
    """
    design = spec.design
    draws_anew = design.mode == "train" and design.masks == "fresh" and network.draws_masks
    indices = range(min(FRESH_MINIBATCHES if draws_anew else MINIBATCHES, len(rows[0])))
    gradients = panel_gradients(network, rows, design)
    found = []
    for request in spec.requests():
        tensor = request.refs[0].tensor_name
        live = live_units(gradients[tensor])
        angles = []
        for a, b in drawn_pairs(live, bootstrap(), ROUGH_PAIRS):
            own = request.model_copy(update={"x": f"{tensor}[{a}]", "y": f"{tensor}[{b}]"})
            fields = [landscape(own.model_copy(update={"minibatch": index})) for index in indices]
            angles.append(mean_of_those_there(map(neighbour_angle, fields)))
        found.append(
            RoughPairs(
                run=spec.run,
                epoch=spec.epoch,
                scene=design.key,
                tensor=tensor,
                num_units=gradients[tensor].shape[1],
                num_live=len(live),
                num_minibatches=len(indices),
                angles=tuple(angles),
            )
        )
    return tuple(found)
