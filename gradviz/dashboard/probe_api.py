"""HTTP API of the probe: paths of SGD on the plane of a picture, from any point of it."""

from flask import Response

from gradviz.compute.probe import ProbeQuestion
from gradviz.compute.probe_settings import ProbeSettings
from gradviz.dashboard.probe_answers import ProbeAnswer
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import LandscapeRequest


def probe(served: Served, asked: LandscapeRequest, settings: ProbeSettings) -> Response:
    return answer_to(served, ProbeQuestion(request=asked, settings=settings))


OPERATIONS = (
    Operation(
        "get",
        "/probe",
        probe,
        "Paths of SGD on a plane from any point of it: under this minibatch, the next one, both in turn, and all rows",
        (LandscapeRequest, ProbeSettings),
        ProbeAnswer,
    ),
)
