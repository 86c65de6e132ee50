"""HTTP API of `gradviz why`: whether the gradient by a parameter is zero, and why."""

from flask import Response

from gradviz.compute.why import WhyQuestion
from gradviz.dashboard import answers
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import WhyRequest


def why(served: Served, asked: WhyRequest) -> Response:
    return answer_to(served, WhyQuestion(request=asked))


OPERATIONS = (
    Operation(
        "get", "/why", why, "Whether the gradient by a parameter is zero, and why", (WhyRequest,), answers.WhyAnswer
    ),
)
