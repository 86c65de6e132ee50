"""Which units of a checkpoint are alive: the share of rows on which each is active."""

import torch
from torch import Tensor

from gradviz.experiment.model import MLP
from gradviz.landscape.clean import CleanPass
from gradviz.landscape.network import Network, network_of

# Shape suffixes: R = rows, N = units of a layer.


def unit_activity(model: MLP, inputs_RM: Tensor) -> list[Tensor]:
    """For each hidden layer the share (N,) of the rows on which each unit is active, in eval mode; 0 is a dead unit."""
    return unit_activity_of(network_of(model), inputs_RM)


def unit_activity_of(network: Network, inputs_RM: Tensor) -> list[Tensor]:
    with torch.inference_mode():
        clean = CleanPass(network, inputs_RM)
        return [clean.active(k).float().mean(0) for k in range(len(network.widths))]
