"""Kinks: the lines on a plane at which a row's gates switch, or its residual changes its sign.

Between them the gradient of a piecewise linear network's row changes smoothly; at each of them it jumps. They are drawn
where the grid sees them: `tracing.py` has the rules.
"""

from gradviz.errors import UserError, shown
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.per_row.kinks_of_engine import kinks_of_engine
from gradviz.landscape.per_row.kinks_of_replay import kinks_of_replay
from gradviz.landscape.per_row.net import MAX_SEGMENTS, Kinks
from gradviz.landscape.replay import Plane, Problem
from gradviz.landscape.replay.choosing import LOOP
from gradviz.landscape.request import LandscapeSpec

FRESH = "With fresh masks every grid point has other gates, so there are no lines: choose frozen masks."
AVERAGED = "Averaged masks have the gates of each of their sets, so there are no lines: choose frozen masks."


def kinks(
    of: Minibatch | Problem,
    plane: LandscapeSpec | Plane,
    *,
    row: int | None = None,
    limit: int = MAX_SEGMENTS,
    method: str = "quickest",
) -> Kinks:
    """The lines of all rows of a minibatch on a plane, or of the `row` at a place in it, with at most `limit` segments:
    where there are more, some of the lines are left out, those of residuals last.

    `of`: the engine's `Minibatch` with a spec (its mode and masks count), or a `Problem` with a `Plane` or a spec of
    two parameters. `docs/engine.md` says which functions are looked at. Costs about a landscape by the engine, and by
    replay up to two forward passes for each grid point; `method="reference"`: plain ones of the whole network.
    `UserError` as for the landscape.

    >>> import torch
    >>> from gradviz.experiment.model import MLP
    >>> from gradviz.landscape import LandscapeSpec, Minibatch, network_of
    >>> from gradviz.landscape.per_row.kinks import kinks
    >>> model = MLP(num_inputs=4, hidden=(8, 6, 5))
    >>> minibatch = Minibatch(network_of(model), torch.eye(4), torch.tensor([1.0, 2.0, 3.0, 4.0]))
    >>> spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", half_width=1.0)
    >>> found = kinks(minibatch, spec)
    >>> found.count_B.shape, found.segments_M4.shape[1]
    ((4,), 4)
    """
    if method not in ("quickest", LOOP):
        raise UserError(f"`method` must be one of quickest, {LOOP}, got {shown(repr(method))}.")
    if limit < 1:
        raise UserError(f"`limit` must be at least 1, got {limit}: it is the number of segments.")
    num_rows = len(of.targets) if isinstance(of, Minibatch) else of.num_rows
    if row is not None and not 0 <= row < num_rows:
        raise UserError(f"`row` must be a place in the minibatch, in [0, {num_rows - 1}], got {row}.")
    wanted = range(num_rows) if row is None else range(row, row + 1)
    if isinstance(of, Minibatch):
        if not isinstance(plane, LandscapeSpec):
            raise UserError("`plane` must be a LandscapeSpec for a Minibatch: directions need a Problem and a Plane.")
        if of.network.draws_masks and plane.mode == "train" and plane.masks != "frozen":
            return Kinks.none(len(wanted), FRESH if plane.masks == "fresh" else AVERAGED)
        return kinks_of_engine(of, plane, wanted, limit)
    if isinstance(plane, LandscapeSpec):
        plane = Plane.of_parameters(plane)
    found = kinks_of_replay(of, plane, wanted, limit, replays=method != LOOP)
    return Kinks.none(len(wanted), FRESH if of.masks == "fresh" else AVERAGED) if found is None else found
