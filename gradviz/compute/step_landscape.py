"""The gradient landscape of the minibatch that made a step of a replica, at the checkpoint where all replicas begin."""

from typing import Literal

import torch

from gradviz.compute.estimate import field_passes
from gradviz.compute.paths import continuation_of
from gradviz.compute.paths_steps import minibatch_of
from gradviz.compute.question import Question, address_of
from gradviz.compute.study_landscape import REPLAY_VERSION, study_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsStep, Replicas
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from gradviz.landscape.request import WIDTHS, LandscapeRequest, TwoParameters

POINTS = 21


class StepLandscapeQuestion(Question):
    """∂J over two parameters in eval mode, J the mean loss of the step's rows; the answer is `GradientField.to_bytes`.

    The parameters are those of the checkpoint: those of the replica at that step are not kept.
    """

    kind: Literal["step"] = "step"
    request: Replicas
    at: PathsStep
    plane: TwoParameters

    def key(self, store: RunStore) -> str:
        # Whatever the paths themselves depend on, as the rows of a step do.
        paths = continuation_of(store, self.request.run, torch.device("cpu")).address(self.request.epoch)
        return address_of(self, store, self.request.run, self.request.epoch, REPLAY_VERSION, POINTS, paths)

    def passes(self, store: RunStore) -> float:
        asked = self.request
        like = LandscapeRequest(run=asked.run, epoch=asked.epoch, x=self.plane.x, y=self.plane.y, points=POINTS)
        return field_passes(store.any_run(asked.run), like)

    def answer(self, bench: Workbench) -> bytes:
        run = continuation_of(bench.store, self.request.run, bench.device)
        rows = minibatch_of(run, self.request, self.at.condition, self.at.replica, self.at.step).rows
        stored = bench.store.any_run(self.request.run)
        problem = Problem(
            stored.model(self.request.epoch).to(bench.device), study_of(stored).loss, run.batch(torch.tensor(rows))
        )
        plane = Plane(Scalar.parse(self.plane.x), Scalar.parse(self.plane.y), WIDTHS["parameters"], POINTS)
        return network_landscape(problem, plane).field.to_bytes()
