"""HTTP API of `gradviz why`: whether the gradient by a parameter is zero, and why."""

from flask import Response

from gradviz.compute.why import WhyQuestion
from gradviz.dashboard import answers
from gradviz.dashboard.overview import etag
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import MEDIA_TYPES, sent
from gradviz.landscape.request import WhyRequest
from gradviz.logs import tell_log


def why(served: Served, asked: WhyRequest) -> Response:
    question = WhyQuestion(request=asked)
    key = question.key(served.store)
    tell_log(key=key)
    wanted = served.still_wanted
    return sent(lambda: served.compute.ask(question, wanted), MEDIA_TYPES["json"], etag(key))


OPERATIONS = (
    Operation(
        "get", "/why", why, "Whether the gradient by a parameter is zero, and why", (WhyRequest,), answers.WhyAnswer
    ),
)
