"""Gradient landscapes of any network: of any `nn.Module` and any loss, by running the user's own forward pass."""

from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.landscape import Landscape, network_landscape
from gradviz.landscape.replay.problem import Plane, Problem, Scalar
from gradviz.landscape.replay.why import Verdict, Why, why_zero

__all__ = ["Landscape", "Plane", "Prepared", "Problem", "Scalar", "Verdict", "Why", "network_landscape", "why_zero"]
