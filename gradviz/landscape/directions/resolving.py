"""From the names of two axes to the plane that they span."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gradviz.landscape.directions.axis import Axis, Curvature, Gradient, Principal, Random, Step, parse_axis
from gradviz.landscape.directions.made import random_vector, scalar_vector
from gradviz.landscape.directions.path import (
    Components,
    Path,
    principal_components,
    principal_vector,
    step_vector,
    towards_vector,
)
from gradviz.landscape.directions.slopes import curvature_vector, gradient_vector, whole_gradient
from gradviz.landscape.directions.vector import Parameters, Vector, plane_of
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.scalar import Scalar


@dataclass(eq=False)
class Surroundings:
    """What directions are made from: a run's path, and the loss of its minibatches at the checkpoint.

    `problem(m)` is that of minibatch m; `shown` the minibatch of the picture, None if that is composed of chosen rows,
    and `centre` the grid point of the checkpoint, whose random numbers gradients see. The gradient of `shown` is
    computed once.
    """

    path: Path
    problem: Callable[[int | None], Problem]
    num_minibatches: int
    shown: int | None
    centre: int
    _components: Components | None = field(default=None, init=False)
    _gradient: Parameters | None = field(default=None, init=False)

    @property
    def num_rows(self) -> int:
        """About, of one of the minibatches."""
        return self.problem(self.shown or 0).num_rows

    def parameters(self) -> Parameters:
        return self.path.parameters(self.path.epoch)

    def gradient(self, number: int | None) -> Parameters:
        """Of a minibatch's loss at the checkpoint, by all real parameters."""
        if number != self.shown:
            return whole_gradient(self.problem(number), self.centre)
        if self._gradient is None:
            self._gradient = whole_gradient(self.problem(number), self.centre)
        return self._gradient

    def components(self) -> Components:
        """Of the path, found once."""
        if self._components is None:
            self._components = principal_components(self.path)
        return self._components


def spanned_by(
    x: str, y: str, where: Surroundings, vector: Callable[[Axis, Surroundings], Vector] | None = None
) -> tuple[Vector, Vector]:
    """The axes by these names as orthogonal vectors of one length; a single parameter is a vector of length 1.

    `vector`: where an axis has its vector from, by default `vector_of`. `UserError` names the axis, what is wrong with
    it and what is allowed.
    """
    return plane_of(*((vector or vector_of)(parse_axis(axis), where) for axis in (x, y)))


def vector_of(axis: Axis, where: Surroundings) -> Vector:
    """The vector of one axis, with its own length."""
    if isinstance(axis, Scalar):
        return scalar_vector(axis, where.problem(where.shown).model)
    if isinstance(axis, Random):
        return random_vector(axis, where.parameters())
    if isinstance(axis, Gradient):
        return gradient_vector(axis, where.path, where.gradient, where.num_minibatches, where.num_rows)
    if isinstance(axis, Step):
        return step_vector(axis, where.path)
    if isinstance(axis, Principal):
        return principal_vector(axis, where.path, where.components())
    if isinstance(axis, Curvature):
        return curvature_vector(axis, where.path, where.problem(where.shown), where.centre)
    return towards_vector(axis, where.path)
