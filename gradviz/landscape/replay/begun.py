"""A plane as far as it has been computed: what a coarser grid has found holds for the finer ones that follow."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gradviz.landscape.replay.evaluating import Probe


class Begun:
    """The way that gives the plain loop's numbers of one plane of one problem, and the numbers that it has given.

    Numbers depend on what is computed together with them, so they are asked for in the same parts whether anybody looks
    at the coarser grids or not.
    """

    def __init__(self) -> None:
        self.passed_over: list[str] = []
        """Why each quicker way was not used."""
        self.probe: Probe | None = None
        """What a point costs by the way in use, once that has been tried."""
        self.is_checked = False
        """Whether the way in use has given the plain loop's numbers."""
        self._stages: list[Tensor] = []
        self._single: dict[tuple[torch.dtype, int], Tensor] = {}

    def pass_over(self, reason: str) -> None:
        """Forgets the way in use and its numbers; the next one begins anew."""
        passed_over = [*self.passed_over, reason]
        self.__init__()
        self.passed_over = passed_over

    def stage(self, number: int, compute: Callable[[], Tensor]) -> Tensor:
        """The numbers of one stage after another, each computed once."""
        if number == len(self._stages):
            self._stages.append(compute())
        return self._stages[number]

    def know(self, dtype: torch.dtype, points: Sequence[int], values: Tensor) -> None:
        self._single |= {(dtype, point): value for point, value in zip(points, values, strict=True)}

    def again(self, dtype: torch.dtype, points: Sequence[int], compute: Callable[[Sequence[int]], Tensor]) -> Tensor:
        """(len(points), 3) float64: single points in a precision, each computed once, those that lack together."""
        lacking = [point for point in points if (dtype, point) not in self._single]
        if lacking:
            self.know(dtype, lacking, compute(lacking))
        known = [self._single[dtype, point] for point in points]
        return torch.stack(known) if known else torch.zeros((0, 3), dtype=torch.float64)
