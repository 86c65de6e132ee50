"""HTTP API of what rows do to the gradient: all training rows as points."""

from flask import Response

from gradviz.compute.all_rows import AllRowsQuestion, AllRowsRequest
from gradviz.compute.rows_part import RowsPart
from gradviz.dashboard import influence_answers
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import LandscapeRequest


def rows_all(served: Served, asked: LandscapeRequest, of: RowsPart) -> Response:
    return answer_to(served, AllRowsQuestion(request=AllRowsRequest.of_picture(asked, of.part)))


OPERATIONS = (
    Operation(
        "get",
        "/rows/all",
        rows_all,
        "Direction and length of the gradient of every training row at a checkpoint",
        (LandscapeRequest, RowsPart),
        influence_answers.AllRowsAnswer,
    ),
)
