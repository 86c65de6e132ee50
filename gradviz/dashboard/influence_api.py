"""HTTP API of what rows do to the gradient: each row of a minibatch, and all training rows as points."""

from flask import Response

from gradviz.compute.all_rows import AllRowsQuestion, AllRowsRequest
from gradviz.compute.influence import InfluenceQuestion, InfluenceRequest
from gradviz.compute.rows_part import RowsPart
from gradviz.dashboard import influence_answers
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import LandscapeRequest


def rows_influence(served: Served, asked: LandscapeRequest, of: RowsPart) -> Response:
    return answer_to(served, InfluenceQuestion(request=InfluenceRequest.of_picture(asked, of.part)))


def rows_all(served: Served, asked: LandscapeRequest, of: RowsPart) -> Response:
    return answer_to(served, AllRowsQuestion(request=AllRowsRequest.of_picture(asked, of.part)))


OPERATIONS = (
    Operation(
        "get",
        "/rows/influence",
        rows_influence,
        "What the gradient of a minibatch and its agreement with others would be without each of its rows",
        (LandscapeRequest, RowsPart),
        influence_answers.InfluenceAnswer,
    ),
    Operation(
        "get",
        "/rows/all",
        rows_all,
        "Direction and length of the gradient of every training row at a checkpoint",
        (LandscapeRequest, RowsPart),
        influence_answers.AllRowsAnswer,
    ),
)
