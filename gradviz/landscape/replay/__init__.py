"""Gradient landscapes of any network: of any `nn.Module` and any loss, by running the user's own forward pass."""

from gradviz.landscape.replay.landscape import Landscape, network_landscape
from gradviz.landscape.replay.problem import Plane, Problem, Scalar

__all__ = ["Landscape", "Plane", "Problem", "Scalar", "network_landscape"]
