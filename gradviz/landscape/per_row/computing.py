"""The fields of all rows of a minibatch: the function for users."""

from gradviz.errors import UserError, shown
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.per_row.fields import RowFields
from gradviz.landscape.per_row.of_engine import of_minibatch
from gradviz.landscape.per_row.of_replay import ROW_WAYS, of_problem
from gradviz.landscape.replay.choosing import LOOP
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.request import LandscapeSpec


def row_fields(
    of: Minibatch | Problem | Prepared, plane: LandscapeSpec | Plane, *, method: str = "quickest"
) -> RowFields:
    """The loss of each row and its derivatives on the grid of `plane`: the minibatch's field is their mean.

    `of` is a `Minibatch` of the built-in network with a `LandscapeSpec`, which the engine computes; or a `Problem` of
    any network, whose loss returns the losses of rows (B,), with a `Plane` of two parameters or directions, which
    replay computes, or with `method="reference"` the plain loop. At most 1,024 rows and 2²⁵ numbers; the cost is
    about one to five of the minibatch's field, or a backward pass for each row where torch cannot differentiate twice
    (`method` of the answer says so). This changes neither model, mode and buffers nor the global random state.
    Raises `UserError` as the landscape, and for a loss that returns the mean of the minibatch.

    >>> import torch
    >>> from torch import nn
    >>> from gradviz.landscape.per_row import row_fields
    >>> from gradviz.landscape.replay import Plane, Problem, Scalar
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    >>> def loss(model, batch):
    ...     return nn.functional.cross_entropy(model(batch["x"]), batch["y"], reduction="none")
    >>> batch = {"x": torch.eye(4), "y": torch.tensor([0, 1, 2, 0])}
    >>> plane = Plane(Scalar.parse("0.bias[0]"), Scalar.parse("2.weight[1,3]"), points=5)
    >>> fields = row_fields(Problem(model, loss, batch), plane)
    >>> fields.u_BYX.shape, fields.coupled
    ((4, 5, 5), False)
    """
    if method not in ("quickest", LOOP):
        raise UserError(f"`method` must be one of quickest, {LOOP}, got {shown(repr(method))}.")
    if isinstance(of, Minibatch):
        if not isinstance(plane, LandscapeSpec):
            raise UserError(f"A `Minibatch` needs a LandscapeSpec, got {type(plane).__name__}: make a `Problem` of it.")
        if method == LOOP:
            raise UserError("The plain loop over rows is for a `Problem`: make one of model, loss and minibatch.")
        return of_minibatch(of, plane)
    if not isinstance(of, Problem | Prepared) or not isinstance(plane, Plane):
        raise UserError(
            "`row_fields` takes a Minibatch with a LandscapeSpec, or a Problem with a Plane, got"
            f" {type(of).__name__} with {type(plane).__name__}."
        )
    return of_problem(of if isinstance(of, Prepared) else Prepared(of), plane, ROW_WAYS if method != LOOP else ())
