"""What is asked: a model, a loss and a minibatch, two axes along which the model moves, and how far."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import nn

from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch, num_rows
from gradviz.experiment.losses import LossFunction
from gradviz.experiment.wrappers import unwrapped
from gradviz.landscape.replay.axes import PlaneAxis, check_axis, check_scalar
from gradviz.landscape.request import MASKS, MODES, LandscapeSpec, Masks, Mode, check_points, grid_steps
from gradviz.landscape.scalar import Scalar


@dataclass(frozen=True)
class Plane:
    """θ + α x + β y on a grid of `points` × `points` values of (α, β) within ± `half_width`."""

    x: PlaneAxis
    y: PlaneAxis
    half_width: float = 0.1
    points: int = 21

    @classmethod
    def of_parameters(cls, spec: LandscapeSpec) -> "Plane":
        """That of two parameters by their names; UserError if one is none."""
        return cls(Scalar.parse(spec.x), Scalar.parse(spec.y), spec.half_width, spec.points)

    def __post_init__(self) -> None:
        check_points(self.points)
        if not 0 < self.half_width <= 100:
            raise UserError(f"`half_width` must be in (0, 100], got {self.half_width}.")

    @cached_property
    def steps(self) -> tuple[float, ...]:
        """α, or β, along the grid; the middle one is exactly 0."""
        return tuple(grid_steps(self))

    def at(self, point: int) -> tuple[float, float]:
        """(α, β) of a grid point; α runs fastest."""
        row, column = divmod(point, self.points)
        return self.steps[column], self.steps[row]


@dataclass(frozen=True, eq=False)
class Problem:
    """A loss as a function of a model's parameters: all that a gradient landscape depends on, the plane excepted.

    `masks` says which random numbers a grid point sees where anything is random in train mode: its own (`fresh`), the
    same as all (`frozen`), or the mean over `num_masks` sets (`averaged`). Floating numbers are computed with as
    `dtype`.
    """

    model: nn.Module
    loss: LossFunction
    batch: Batch
    mode: Mode = "eval"
    masks: Masks = "fresh"
    num_masks: int = 8
    seed: int = 0
    dtype: torch.dtype = torch.float32
    device: torch.device = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise UserError(f"`model` must be a torch.nn.Module, got {type(self.model).__name__}.")
        object.__setattr__(self, "model", unwrapped(self.model))
        for name, allowed in (("mode", MODES), ("masks", MASKS), ("dtype", (torch.float32, torch.float64))):
            if getattr(self, name) not in allowed:
                choices = ", ".join(map(str, allowed))
                raise UserError(f"`{name}` must be one of {choices}, got {shown(getattr(self, name))}.")
        num_rows(self.batch)
        parameters = list(self.model.parameters())
        if not parameters:
            raise UserError("`model` has no parameters that could move.")
        object.__setattr__(self, "device", parameters[0].device)

    @property
    def num_rows(self) -> int:
        return num_rows(self.batch)

    def computed_in(self, dtype: torch.dtype) -> "Problem":
        return replace(self, dtype=dtype)

    def sets(self, point: int) -> Sequence[int]:
        """The sets of random numbers of a grid point; eval mode has one, whatever the seed."""
        if self.mode == "eval":
            return [0]
        return {"fresh": [point], "frozen": [0], "averaged": range(self.num_masks)}[self.masks]

    @property
    def own_seed(self) -> int:
        return 0 if self.mode == "eval" else self.seed


def check_plane(problem: Problem, plane: Plane) -> None:
    """`UserError` unless both axes move floating parameters of the model, and not the same single one."""
    for axis in (plane.x, plane.y):
        check_axis(problem.model, axis)
    if isinstance(plane.x, Scalar) and isinstance(plane.y, Scalar):
        x, y = ((check_scalar(problem.model, scalar), scalar.index) for scalar in (plane.x, plane.y))
        if x[0] is y[0] and x[1] == y[1]:
            raise UserError(f"`x` and `y` are both {plane.x}: a plane needs two different parameters.")


class CannotReplay(Exception):
    """A quicker way cannot do this problem; the next slower one can. The message is the reason."""
