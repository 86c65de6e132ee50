"""The gradient landscape of any network: the function for users."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from gradviz.errors import NotHere, UserError
from gradviz.landscape.field import GradientField, ZeroReason
from gradviz.landscape.replay.axes import PlaneAxis
from gradviz.landscape.replay.choosing import LOOP, WAYS, compute
from gradviz.landscape.replay.coarser import Order
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.naming import named_reason
from gradviz.landscape.replay.problem import Plane, Problem, check_plane
from gradviz.landscape.replay.zero import Resolved, resolve
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.surroundings import undisturbed


@dataclass(frozen=True)
class Landscape:
    """A gradient field, the method that computed it, and for each quicker one why it was not used."""

    field: GradientField
    method: str
    passed_over: tuple[str, ...] = ()


def network_landscape(
    problem: Problem | Prepared, plane: Plane, *, method: str = "replay", order: Order | None = None
) -> Landscape:
    """∂J/∂x and ∂J/∂y on the grid of `plane`, every other parameter at the model's value.

    J is the loss of the minibatch: the mean, if `problem.loss` returns losses of rows. This never changes the model,
    its mode, its buffers or the global random state. `replay` is used only where it gives the plain loop's numbers at
    two points (`checking.py`); `method="reference"` is the plain loop. Planes of one `Prepared(problem)` share what is
    known at the checkpoint. With an `order` coarser grids come first, and the field is of the points that it names.
    The field has no share of rows below their target and no active units: these are NaN.
    Raises `UserError` for parameters that the model does not have, a loss that fails, is not finite, or is not a
    function of parameters, minibatch and seed.

    >>> import torch
    >>> from torch import nn
    >>> from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    >>> def loss(model, batch):
    ...     return nn.functional.cross_entropy(model(batch["x"]), batch["y"], reduction="none")
    >>> batch = {"x": torch.eye(4), "y": torch.tensor([0, 1, 2, 0])}
    >>> plane = Plane(Scalar.parse("0.bias[0]"), Scalar.parse("2.weight[1,3]"), points=5)
    >>> found = network_landscape(Problem(model, loss, batch), plane)
    >>> found.field.u.shape, found.method
    ((5, 5), 'replay tiles (vmap)')
    """
    if method not in ("replay", LOOP):
        raise UserError(f"`method` must be one of replay, {LOOP}, got {method}.")
    prepared = problem if isinstance(problem, Prepared) else Prepared(problem)
    problem = prepared.problem
    check_plane(problem, plane)
    with undisturbed(problem.model), torch.enable_grad():
        computed = compute(prepared, plane, order, ways=WAYS if method == "replay" else ())
        values = computed.values[computed.order.shown]
        if not bool(values.isfinite().all()):
            raise NotHere("The loss or its gradient is not finite on this grid", "choose a smaller half-width")
        u, v = resolve(computed, plane.half_width)
        u, v = (_named(problem, *each, plane.half_width) for each in ((plane.x, u), (plane.y, v)))
    x, y = axes_of(problem, plane, computed.order.steps_apart[-1])
    grid, dtype = (len(y), len(x)), str(problem.dtype).removeprefix("torch.")
    is_zero = (u.reason != ZeroReason.NONE) & (v.reason != ZeroReason.NONE)
    reason = np.where(is_zero, np.minimum(u.reason, v.reason), ZeroReason.NONE).astype(np.uint8)
    field = GradientField(
        x,
        y,
        u.values.reshape(grid).astype(dtype),
        v.values.reshape(grid).astype(dtype),
        values[:, 0].reshape(grid).numpy().astype(dtype),
        is_zero.reshape(grid),
        reason.reshape(grid),
        share_below=np.nan,
        num_rows=problem.num_rows,
        x_active=np.nan,
        y_active=np.nan,
        u_reason=u.reason.reshape(grid),
        v_reason=v.reason.reshape(grid),
        num_unresolved=int((~is_zero & (u.is_unresolved | v.is_unresolved)).sum()),
    )
    return Landscape(field, computed.method, computed.passed_over)


def _named(problem: Problem, axis: PlaneAxis, found: Resolved, step: float) -> Resolved:
    """The component with a name for its reason, where that of a parameter is zero on the whole plane."""
    if not isinstance(axis, Scalar) or not (found.reason != ZeroReason.NONE).all():
        return found
    reason = named_reason(problem, axis, step)
    return found if reason is None else replace(found, reason=np.full_like(found.reason, reason))


def axes_of(problem: Problem, plane: Plane, steps_apart: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates of the plane's points along x and y, or of every so many."""
    steps = np.array(plane.steps[::steps_apart])
    return _origin(problem, plane.x) + steps, _origin(problem, plane.y) + steps


def _origin(problem: Problem, axis: PlaneAxis) -> float:
    """The coordinate of the checkpoint: a parameter's own value, in the dtype that is computed in, or 0."""
    if not isinstance(axis, Scalar):
        return 0.0
    tensor = dict(problem.model.named_parameters(remove_duplicate=False))[axis.name]
    return tensor.detach()[axis.index].to(problem.dtype).item()
