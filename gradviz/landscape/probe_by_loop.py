"""Loss and gradient of several minibatches of any network on any plane, each at a point of its own: the user's own
loss runs forward and backward.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.probe import Point
from gradviz.landscape.replay.loop import at_offsets, differentiable, renew
from gradviz.landscape.replay.private import PrivateModel, private_batch
from gradviz.landscape.replay.problem import Plane, Problem, check_plane
from gradviz.landscape.replay.unseeded import seen_drawing
from gradviz.landscape.surroundings import undisturbed


class ByLoop:
    """Minibatches of any network on any plane: each is a problem of its own, all of one model and one evaluation; the
    same problem may stand in several places. One copy of the model serves them all. As a function it is `probe.Slopes`.

    `UserError` for parameters that the model does not have, or a loss that fails or draws in a way that cannot be
    seeded.
    """

    def __init__(self, problems: Sequence[Problem], plane: Plane) -> None:
        check_plane(problems[0], plane)
        self._problems, self._plane, self._whole = problems, plane, False
        self._models: dict[int, PrivateModel] = {}
        """The one copy on the minibatch of each problem, by its id."""

    def __call__(self, step: int, points: Sequence[Point | None]) -> np.ndarray:
        found = np.full((len(points), 3), np.nan)
        with undisturbed(self._problems[0].model), torch.enable_grad():
            for place, (problem, point) in enumerate(zip(self._problems, points, strict=True)):
                if point is not None:
                    found[place] = self._at(problem, point, step)
        return found

    def _at(self, problem: Problem, point: Point, step: int) -> np.ndarray:
        if id(problem) in self._models:
            return self._mean(problem, point, step)
        self._models[id(problem)] = self._model_of(problem)
        try:
            return seen_drawing(problem, lambda: self._mean(problem, point, step))
        except UserError:  # some ways of checkpointing activations go backward to all parameters alone
            if self._whole:
                raise
            self._whole = True
            return seen_drawing(problem, lambda: self._mean(problem, point, step))

    def _mean(self, problem: Problem, point: Point, step: int) -> np.ndarray:
        model = self._models[id(problem)]
        return torch.stack(list(self._of_sets(problem, model, point, step))).mean(0).numpy()

    def _of_sets(self, problem: Problem, model: PrivateModel, point: Point, step: int) -> Iterator[Tensor]:
        for set_number in problem.sets(step):
            between_tiles()
            renew(model)
            yield at_offsets(problem, self._plane, model, point, set_number, whole=self._whole)

    def _model_of(self, problem: Problem) -> PrivateModel:
        first = next(iter(self._models.values()), None)
        return differentiable(problem) if first is None else first.on(private_batch(problem))
