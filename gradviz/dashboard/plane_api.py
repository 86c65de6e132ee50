"""HTTP API of the plane that two axes span: what 1 means along each, and which checkpoints and gradients lie in it."""

from flask import Response

from gradviz.compute.plane import PlaneQuestion
from gradviz.dashboard import answers
from gradviz.dashboard.query import PlaneParts
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import LandscapeRequest


def plane(served: Served, asked: LandscapeRequest, which: PlaneParts) -> Response:
    return answer_to(served, PlaneQuestion(request=asked, parts=which.parts))


OPERATIONS = (
    Operation(
        "get",
        "/plane",
        plane,
        "A plane along directions: its axes, the run's checkpoints and the minibatches' gradients in it",
        (LandscapeRequest, PlaneParts),
        answers.PlaneAnswer,
    ),
)
