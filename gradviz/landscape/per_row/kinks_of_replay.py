"""The kinks of any network: its forward pass runs at every grid point, and what its gating functions take is watched.

Where the values of all gates that move are too many to keep, a first run over the grid finds those that switch, and a
second one keeps these. The forward passes are replayed (`replaying.py`) where that gives what plain ones give at two
points.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.per_row.net import Kinks, Net, Site
from gradviz.landscape.per_row.replaying import ReplayedForward
from gradviz.landscape.per_row.watching import Forward, OtherCourse, Survey, survey_of
from gradviz.landscape.replay.checking import checked_points
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem, check_plane
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: P = grid points, E = all gates of a site, S = some of them.

SMOOTH = "None of the functions that are looked at has a derivative that jumps, so there are no lines."
OTHER_COURSE = "The forward pass takes another course at some grid points, so no lines can be drawn."
MIXED = "No gate belongs to one row alone, so there are no lines of rows."

KEPT_BYTES = 2**27
"""Of values of gates at all grid points."""

_SAME = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Of a site's largest number: replayed and plain passes differ by rounding."""


def kinks_of_replay(problem: Problem, plane: Plane, wanted: range, limit: int, *, replays: bool) -> Kinks | None:
    """As `kinks`; None if every grid point has masks of its own, or several sets."""
    check_plane(problem, plane)
    with undisturbed(problem.model), torch.enable_grad():
        forward = Forward(problem, plane)
        survey = survey_of(forward)
        if survey.draws and problem.mode == "train" and problem.masks != "frozen":
            return None
        if not survey.of_rows:
            return Kinks.none(len(wanted), survey.note(MIXED if survey.sites else SMOOTH))
        try:
            return _quickest(forward, survey, wanted, limit, replays).kinks(survey.note())
        except OtherCourse:
            return Kinks.none(len(wanted), survey.note(OTHER_COURSE))


def _quickest(forward: Forward, survey: Survey, wanted: range, limit: int, replays: bool) -> Net:
    if replays:
        try:
            quicker = ReplayedForward(forward.problem, forward.plane, survey)
            if _is_same(quicker, forward, survey):
                return _traced(quicker, survey, wanted, limit)
        except CannotReplay:
            pass
    return _traced(forward, survey, wanted, limit)


def _is_same(quicker: ReplayedForward, forward: Forward, survey: Survey) -> bool:
    """At a corner and the middle of the plane."""
    for point in checked_points(forward.plane.points):
        for one, other in zip(quicker.gates(point, survey), forward.gates(point, survey), strict=True):
            if bool((one - other).abs().max() > _SAME[forward.problem.dtype] * other.abs().max()):
                return False
    return True


def _traced(forward: Forward | ReplayedForward, survey: Survey, wanted: range, limit: int) -> Net:
    plane, num_rows = forward.plane, forward.problem.num_rows
    sites = [Site(survey.sites[k].name, survey.sites[k].numel // num_rows) for k in survey.of_rows]
    net = Net(sites, wanted, plane, limit)
    first = forward.gates(0, survey)
    moving = [each.cpu() for each in forward.moving(survey)]
    if sum(len(each) for each in moving) * plane.points**2 * first[0].element_size() <= KEPT_BYTES:
        _add_from_one_run(net, forward, survey, moving)
    else:
        _add_from_two_runs(net, forward, survey)
    return net


def _add_from_one_run(net: Net, forward: Forward | ReplayedForward, survey: Survey, moving: Sequence[Tensor]) -> None:
    """Keeps the values of all gates that move."""
    points = forward.plane.points
    values = _values(forward, survey, range(points**2), moving)
    for site, (view, elements, values_PS) in enumerate(zip(survey.of_rows.values(), moving, values, strict=True)):
        rows, units = view.rows_and_units(elements.numpy(), forward.problem.num_rows)
        net.add(site, rows, units, values_PS.reshape(points, points, -1))


def _add_from_two_runs(net: Net, forward: Forward | ReplayedForward, survey: Survey) -> None:
    """Keeps in a first run on which sides each gate has been, and in a second one the values of those that switch, two
    grid rows at a time."""
    points, num_rows = forward.plane.points, forward.problem.num_rows
    found = _switching(forward, survey)
    views = survey.of_rows.values()
    places = [view.rows_and_units(each.numpy(), num_rows) for view, each in zip(views, found, strict=True)]
    kept = net.expect([(site, *place) for site, place in enumerate(places)])
    found = [each[torch.from_numpy(own)] for each, own in zip(found, kept, strict=True)]
    places = [(rows[own], units[own]) for (rows, units), own in zip(places, kept, strict=True)]
    if not any(len(each) for each in found):
        return
    above: list[np.ndarray] = []
    for row in range(points):
        below = _values(forward, survey, range(row * points, (row + 1) * points), found)
        for site, (one, other) in enumerate(zip(above, below, strict=True) if above else ()):
            net.add(site, *places[site], np.stack([one, other]), (row - 1, 0))
        above = below


def _values(
    forward: Forward | ReplayedForward, survey: Survey, points: Sequence[int], elements: Sequence[Tensor]
) -> list[np.ndarray]:
    """What these elements of each site take, (P, S)."""
    taken: list[list[Tensor]] = [[] for _ in elements]
    for point in points:
        for own, gates_E, each in zip(taken, forward.gates(point, survey), elements, strict=True):
            own.append(gates_E[each.to(gates_E.device)].cpu())
    return [torch.stack(own).numpy() for own in taken]


def _switching(forward: Forward | ReplayedForward, survey: Survey) -> list[Tensor]:
    """The elements (S,) of each site that are on both sides, at different points."""
    opened: list[Tensor] = []
    closed: list[Tensor] = []
    for point in range(forward.plane.points**2):
        sides = [gates_E > 0 for gates_E in forward.gates(point, survey)]
        opened = [a | b for a, b in zip(opened, sides, strict=True)] if opened else sides
        others = [~side for side in sides]
        closed = [a | b for a, b in zip(closed, others, strict=True)] if closed else others
    return [torch.nonzero(a & b)[:, 0].cpu() for a, b in zip(opened, closed, strict=True)]
