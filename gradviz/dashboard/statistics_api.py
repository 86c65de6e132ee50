"""HTTP API of a checkpoint's statistics: its units, and agreement, measures and course of its minibatches."""

import numpy as np
from flask import Response

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.cosines import CosinesQuestion, CosinesRequest
from gradviz.compute.measures import MeasuresQuestion, MeasuresRequest
from gradviz.compute.question import Question
from gradviz.compute.sampling import SamplingQuestion, SamplingRequest
from gradviz.compute.units import ACTIVITY_ROWS, LayerRequest, PairsQuestion, UnitsQuestion
from gradviz.dashboard import answers, statistics_answers
from gradviz.dashboard.course import Course
from gradviz.dashboard.overview import as_json, etag
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import MEDIA_TYPES, sent, sent_json
from gradviz.errors import UserError
from gradviz.landscape.request import Checkpoint, LandscapeRequest, Layer
from gradviz.logs import tell_log


def activity(served: Served, asked: Checkpoint) -> Response:
    layers = served.compute.activity(asked.run, asked.epoch, served.still_wanted)
    num_rows = min(ACTIVITY_ROWS, served.store.run(asked.run).record.rows_train)
    return sent_json({"num_rows": num_rows, "layers": [_shares(layer) for layer in layers]})


def layer_activity(served: Served, asked: Checkpoint, of: Layer) -> Response:
    layers = served.compute.activity(asked.run, asked.epoch, served.still_wanted)
    if of.layer >= len(layers):
        raise UserError(f"`layer` must be one of the hidden layers, 0..{len(layers) - 1}, got {of.layer}.")
    return sent_json({"layer": of.layer, "active": _shares(layers[of.layer])})


def units(served: Served, asked: LayerRequest) -> Response:
    return answer_to(served, UnitsQuestion(**asked.model_dump()))


def pairs(served: Served, asked: LayerRequest) -> Response:
    return answer_to(served, PairsQuestion(**asked.model_dump()))


def agreement(served: Served, asked: AgreementRequest) -> Response:
    return answer_to(served, AgreementQuestion(request=asked))


def cosines(served: Served, asked: CosinesRequest) -> Response:
    values = asked.model_dump() if asked.mode == "train" else asked.model_dump(exclude={"masks", "seed"})
    return answer_to(served, CosinesQuestion(**values))


def measures(served: Served, asked: MeasuresRequest) -> Response:
    return answer_to(served, MeasuresQuestion(request=asked))


def sampling(served: Served, asked: SamplingRequest) -> Response:
    return answer_to(served, SamplingQuestion(request=asked))


def course(served: Served, asked: LandscapeRequest) -> Response:
    at = Course(asked, served.store)
    key = at.key()
    tell_log(key=key)
    wanted = served.still_wanted
    # the answer repeats what the keys leave out, such as the seed in eval mode
    tag = etag(f"{key} {asked.canonical()}")
    return sent(lambda: as_json(at.point(served.compute, wanted)).encode(), MEDIA_TYPES["json"], tag)


def answer_to(served: Served, question: Question, form: str = "json") -> Response:
    """The answer to a question whose answer has this form, one of `MEDIA_TYPES`."""
    key = question.key(served.store)
    tell_log(key=key)
    wanted = served.still_wanted
    return sent(lambda: served.compute.ask(question, wanted), MEDIA_TYPES[form], etag(key))


def _shares(layer: np.ndarray) -> list[float]:
    return np.round(np.asarray(layer, float), 4).tolist()


_LAYER = "{run}/{epoch}/{layer}"
OPERATIONS = (
    Operation(
        "get",
        "/activity/{run}/{epoch}",
        activity,
        "Activity of all hidden units at a checkpoint",
        (Checkpoint,),
        answers.ActivityAnswer,
    ),
    Operation(
        "get",
        f"/activity/{_LAYER}",
        layer_activity,
        "Activity of one hidden layer's units at a checkpoint",
        (Checkpoint, Layer),
        answers.LayerActivityAnswer,
    ),
    Operation(
        "get",
        f"/units/{_LAYER}",
        units,
        "Activity and size of the gradients of one layer's units",
        (LayerRequest,),
        answers.UnitsAnswer,
    ),
    Operation("get", f"/pairs/{_LAYER}", pairs, "Suggested pairs of one layer", (LayerRequest,), answers.PairsAnswer),
    Operation(
        "get",
        "/agreement",
        agreement,
        "Agreement of the minibatches' gradients at a checkpoint",
        (AgreementRequest,),
        answers.AgreementAnswer,
    ),
    Operation(
        "get",
        "/cosines/{run}/{epoch}",
        cosines,
        "Cosines between the gradients of all minibatches at a checkpoint",
        (CosinesRequest,),
        answers.CosinesAnswer,
    ),
    Operation(
        "get",
        "/measures/{run}/{epoch}",
        measures,
        "The literature's measures of how the minibatches' gradients differ at a checkpoint",
        (MeasuresRequest,),
        statistics_answers.MeasuresAnswer,
    ),
    Operation(
        "get",
        "/sampling",
        sampling,
        "How far another minibatch of the same size would turn the arrow at a checkpoint",
        (SamplingRequest,),
        statistics_answers.SamplingAnswer,
    ),
    Operation(
        "get", "/course", course, "A point of the curves over the epochs", (LandscapeRequest,), answers.CourseAnswer
    ),
)
