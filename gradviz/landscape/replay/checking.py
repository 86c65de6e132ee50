"""The plain loop's numbers at two points of a request, which a quicker way must give.

Both are compared in float64, to 1e-9. Where float64 of many rows would cost as much as the landscape, a slice of the
rows is compared so, and all of them in float32, to its rounding; where that does not suffice to tell, it is float64 of
all rows again. The loop's passes at the centre are the same for all planes.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.loop import AtCentre, by_loop
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem
from gradviz.landscape.replay.unseeded import check_same_again, seen_drawing
from gradviz.numbers import number

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Of the largest number: both ways sum the same terms in another order."""

MANY_ROWS = 32
"""From this number on, a slice of the rows is compared in float64."""

FLOOR = 1e-3
"""A gradient that changes the loss by this share over the plane is large enough to compare with; a smaller one may be
round-off."""


class Differs(CannotReplay):
    """A way does not give the plain loop's numbers."""


class Expected:
    """What the loop gives at `points` of this request, each computed when it is first compared.

    `UserError` if the loss is not a function of parameters, minibatch and seed.
    """

    def __init__(self, prepared: Prepared, plane: Plane) -> None:
        self._prepared, self._plane, self.points = prepared, plane, checked_points(plane.points)
        self.some_rows: Problem | None = None
        problem = prepared.problem
        # Not `cached_property`: in Python 3.11 it holds one lock for all instances while the loop lets others have
        # their turn, and these would wait for it.
        self._exact: Tensor | None = None
        self._single: Tensor | None = None
        if problem.dtype != torch.float64 and problem.num_rows >= MANY_ROWS:
            try:
                self._of_some = self._twice(prepared.some_rows)
                self.some_rows = prepared.some_rows
            except UserError:  # some rows alone may be no minibatch of this loss; if more is wrong, all rows tell
                pass
        if self.some_rows is None:
            self._of_all()

    def check(self, found: Tensor) -> None:
        """`Differs` unless these are the numbers, of all rows in float64."""
        self._compare(found, self._of_all())

    def check_some(self, found: Tensor) -> None:
        """The same of `some_rows`."""
        self._compare(found, self._of_some)

    def is_near(self, found: Tensor) -> bool:
        """Whether these are the numbers of all rows, to the rounding of the problem's own precision."""
        problem = self._prepared.problem
        self._single = self._of(problem, 1) if self._single is None else self._single
        return difference(found, self._single, self._plane) <= TOLERANCE[problem.dtype]

    def _of_all(self) -> Tensor:
        self._exact = self._twice(self._prepared.problem_in(torch.float64)) if self._exact is None else self._exact
        return self._exact

    def _twice(self, problem: Problem) -> Tensor:
        """The first time the corner is computed once more: a function of the parameters gives the same again."""
        return self._of(problem, 1 if self._prepared.knows_centre(problem) else 2)

    def _of(self, problem: Problem, times: int) -> Tensor:
        """At the corner, and at the centre, where the numbers of all planes are those of one pass."""
        centre = self._prepared.centre(problem, self.points[1])
        at_corner = self._loop(problem, self.points[:1] * times, centre)
        check_same_again(at_corner[0], at_corner[-1])
        return torch.stack([at_corner[0], centre.along(self._plane)])

    def _loop(self, problem: Problem, points: Sequence[int], centre: AtCentre) -> Tensor:
        return by_either_pass(problem, lambda whole: by_loop(problem, self._plane, points, whole=whole, centre=centre))

    def _compare(self, found: Tensor, wanted: Tensor) -> None:
        error = difference(found, wanted, self._plane)
        if error > TOLERANCE[torch.float64]:
            raise Differs(f"differs from the plain loop by {number(error, 1)} of the largest number")


def checked_points(points: int) -> tuple[int, int]:
    """The first corner and the centre of a grid of `points` a side."""
    return 0, points**2 // 2


def by_either_pass(problem: Problem, loop: Callable[[bool], Tensor]) -> Tensor:
    """What a loop gives with a backward pass to the moved parameters alone, else to all, as some ways of checkpointing
    activations need it. `UserError` if it draws where no seed reaches."""
    try:
        return seen_drawing(problem, lambda: loop(False))
    except UserError:
        return seen_drawing(problem, lambda: loop(True))


def difference(found: Tensor, wanted: Tensor, plane: Plane) -> float:
    """The largest one: of the loss over itself, of the derivatives over the largest of them."""
    loss, gradient = wanted[:, 0].abs().max(), wanted[:, 1:].abs().max()
    arrow = torch.maximum(gradient, FLOOR * loss / plane.half_width)
    scale = torch.stack([loss, arrow, arrow]).clamp_min(torch.finfo(torch.float64).tiny)
    return ((found - wanted).abs() / scale).nan_to_num(nan=torch.inf).max().item()
