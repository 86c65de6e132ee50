"""What can be known of an axis before anything is computed: whether the run has what it names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from gradviz.errors import UserError, shown
from gradviz.landscape.directions.axis import Axis, Curvature, Gradient, Principal, Random, Step, Towards
from gradviz.landscape.scalar import Scalar

Shapes = Mapping[str, Sequence[int]]
"""Of real parameters, by their names."""


@dataclass(frozen=True)
class Known:
    """What a run has. `shapes_of`: those of another run's checkpoint; `UserError` if there is none."""

    run: str
    epochs: Sequence[int]
    num_minibatches: int
    shapes: Shapes
    shapes_of: Callable[[Towards], Shapes]

    def check(self, axis: Axis) -> None:
        """`UserError` for what the run has at none of its checkpoints."""
        if isinstance(axis, Scalar):
            if axis.name in self.shapes:  # else it may be the second name of a shared tensor
                axis.check(self.shapes)
        elif isinstance(axis, Random):
            check_moves(axis, self.shapes)
        elif isinstance(axis, Gradient | Step):
            under(axis.prefix, self.shapes, axis)
        if isinstance(axis, Gradient):
            check_minibatch(axis, self.num_minibatches)
        elif isinstance(axis, Principal):
            check_path(self.run, self.epochs)
            check_components(axis, self.run, len(self.epochs), len(self.epochs) - 1)
        elif isinstance(axis, Towards):
            check_network(axis, self.run, self.shapes, self.shapes_of(axis))
        elif isinstance(axis, Curvature):
            check_size(axis, sum(map(prod, self.shapes.values())))
        if isinstance(axis, Gradient | Step | Curvature):
            check_steps(self.run, self.epochs)


def under(prefix: str, names: Sequence[str] | Mapping[str, object], axis: object) -> list[str]:
    """Names that are `prefix` or lie under it; `UserError` if none does."""
    found = [name for name in names if not prefix or name == prefix or name.startswith(f"{prefix.rstrip('.')}.")]
    if not found:
        rooms = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
        raise UserError(f"`{axis}`: no parameter's name begins with {shown(prefix)}: they begin with {rooms}.")
    return found


def check_moves(axis: Random, shapes: Shapes) -> None:
    """Without `moves_all`, tensors of one axis stay where they are."""
    names = under(axis.prefix, shapes, axis)
    if not axis.moves_all and all(len(shapes[name]) < 2 for name in names):
        where = f" within {axis.prefix}" if axis.prefix else ""
        raise UserError(
            f"`{axis}` does not move any parameter: there are only biases and norms{where}",
            f"write random-all:{axis.seed} to move these",
        )


def check_minibatch(axis: Gradient, num_minibatches: int) -> None:
    if axis.minibatch is not None and axis.minibatch >= num_minibatches:
        raise UserError(f"`{axis}`: minibatches of this run are 0 to {num_minibatches - 1}, or `mean` for all of them.")


def check_steps(run: str, epochs: Sequence[int]) -> None:
    """A step, and the length that gradients are drawn at, need two checkpoints."""
    if len(epochs) < 2:
        raise UserError(f"The run {run} has one checkpoint, and a step lies between two", "wait for the next epoch")


def check_path(run: str, epochs: Sequence[int]) -> None:
    if len(epochs) < 2:
        raise UserError(f"The run {run} has one checkpoint, and a path has two or more", "wait for the next epoch")


def check_components(axis: Principal, run: str, num_epochs: int, num_components: int) -> None:
    if axis.number > num_components:
        raise UserError(f"`{axis}`: the {num_epochs} checkpoints of {run} have {num_components} principal components.")


def check_network(axis: Towards, run: str, here: Shapes, there: Shapes) -> None:
    """Another run's checkpoint needs what this one has; it may have more."""
    for name, shape in here.items():
        if tuple(there.get(name, ())) != tuple(shape) or name not in there:
            raise UserError(
                f"`{axis}`: {axis.run} has another network than {run}, with a difference in {name}",
                "choose a run with the same shapes",
            )


def check_size(axis: Curvature, num_parameters: int) -> None:
    """Lanczos finds one eigenvector more than asked for, and all but one of them."""
    if axis.number + 1 >= num_parameters:
        raise UserError(
            f"`{axis}`: this model has {num_parameters} parameters, and eigenvectors up to {num_parameters - 2} can be "
            "found."
        )
