"""The share of rows on which each unit of a checkpoint is active, to tell which are alive."""

import torch
from torch import Tensor

from gradviz.experiment.model import MLP
from gradviz.landscape.clean import CleanPass
from gradviz.landscape.models import network_of
from gradviz.landscape.network import Network
from gradviz.landscape.rows import check_finite, check_inputs, check_network
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows, N = units of a layer.


def unit_activity(model: MLP, inputs_RM: Tensor) -> list[Tensor]:
    """For each hidden layer, (N,): the share of rows on which each unit is active, in eval mode; 0 is a dead unit."""
    return unit_activity_of(network_of(model, rows=inputs_RM if isinstance(inputs_RM, Tensor) else None), inputs_RM)


@undisturbed()
def unit_activity_of(network: Network, inputs_RM: Tensor) -> list[Tensor]:
    check_network(network)
    check_inputs(network, inputs_RM)
    with torch.inference_mode():
        clean = CleanPass(network, inputs_RM)
        check_finite(network, clean.predictions())
        return [clean.active(k).float().mean(0) for k in range(len(network.widths))]
