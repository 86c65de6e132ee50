"""A chosen plane through the checkpoint, and the ways of replicas in it.

Its axes are orthogonal and of one length, as `plane_of` makes them for every landscape, so that the least-squares
coordinates of a way δ are those by which Explore draws the run's checkpoints in the same plane:

    α = <δ, x> / <x, x>,   β = <δ, y> / <y, y>,   and of ‖δ‖² the share (α² ‖x‖² + β² ‖y‖²) / ‖δ‖² lies in the plane.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gradviz.landscape.directions.told import AxisFacts, axis_facts
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.paths.replica import num_numbers

# Shape suffixes: M = the recorded path and all replicas, T = points, A = axes, P = numbers of all parameters.


@dataclass(frozen=True, eq=False)
class ChosenPlane:
    """What is told of both axes, and their vectors in float64, in the order of `numbers_of`."""

    x: AxisFacts
    y: AxisFacts
    vectors_AP: Tensor

    @classmethod
    def of(cls, x: Vector, y: Vector, model: nn.Module) -> "ChosenPlane":
        """Of two orthogonal directions of one length."""
        return cls(axis_facts(x), axis_facts(y), torch.stack([_flat(x, model), _flat(y, model)]))

    def ways(self, products_MTA: np.ndarray) -> "PlaneWays":
        """From the inner products of the ways with both vectors."""
        squares_A = (self.vectors_AP * self.vectors_AP).sum(1).numpy()
        return PlaneWays(self.x, self.y, products_MTA / squares_A)


@dataclass(frozen=True, eq=False)
class PlaneWays:
    """The coordinates of all ways from the checkpoint, the recorded one first; 1 is what each axis says."""

    x: AxisFacts
    y: AxisFacts
    coordinates_MTA: np.ndarray

    @property
    def squares_M(self) -> np.ndarray:
        """Squared length of what of each way to its end lies in the plane."""
        lengths_A = np.array([self.x.length, self.y.length])
        return ((self.coordinates_MTA[:, -1] * lengths_A) ** 2).sum(1)


def _flat(vector: Vector, model: nn.Module) -> Tensor:
    """0 where the vector moves nothing, and in complex parameters, which no direction moves."""
    flat_P = torch.zeros(num_numbers(model), dtype=torch.float64)
    begin = 0
    for name, parameter in model.named_parameters():
        part = vector.parts.get(name)
        if part is not None:
            flat_P[begin : begin + part.numel()] = part.reshape(-1)
        begin += parameter.numel() * (2 if parameter.is_complex() else 1)
    return flat_P
