"""HTTP API of the paths that training takes from a checkpoint: a job computes them, and they are kept by content."""

from flask import Response
from werkzeug.exceptions import NotFound

from gradviz.compute.interface import Unavailable
from gradviz.compute.paths_export import paths_told
from gradviz.compute.step_landscape import StepLandscapeQuestion
from gradviz.dashboard import paths_answers
from gradviz.dashboard.overview import as_json, etag
from gradviz.dashboard.query import PathsKey
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import JSON, sent, sent_json
from gradviz.landscape.field import GradientField
from gradviz.landscape.paths.request import CONDITIONS, WORDS, PathsRequest, PathsStep, Replicas
from gradviz.landscape.request import TwoParameters
from gradviz.logs import tell_log


def paths_asked(served: Served, asked: PathsRequest) -> Response:
    return sent_json(_asked(served, asked))


def start_paths(served: Served, asked: PathsRequest) -> Response:
    served.paths.start(asked)
    return sent_json(_asked(served, asked))


def paths_job(served: Served) -> Response:
    return sent_json({"job": _job(served)})


def cancel_paths(served: Served, of: PathsKey) -> Response:
    served.paths.cancel(of.key)
    return paths_job(served)


def paths_result(served: Served, of: PathsKey) -> Response:
    found = served.paths.result(of.key)
    if found is None:
        raise NotFound
    body = as_json(paths_told(found, with_minibatch_losses=False))  # /paths/step tells that of each step
    return sent(body.encode, JSON, etag(body))


def paths_step(served: Served, asked: PathsRequest, at: PathsStep) -> Response:
    found = served.paths.minibatch(asked, at.condition, at.replica, at.step)
    key = served.paths.asked(asked).key
    result = served.paths.result(key)
    loss = None if result is None else float(result.of(at.condition).losses_KS[at.replica, at.step - 1])
    about = {"rows": list(found.rows), "own_step": found.own_step, "minibatch": found.minibatch, "loss": loss}
    return sent_json({**at.model_dump(), **about})


def paths_landscape(served: Served, asked: Replicas, at: PathsStep, of: TwoParameters) -> Response:
    question = StepLandscapeQuestion(request=asked, at=at, plane=of)
    key = question.key(served.store)
    tell_log(key=key)
    wanted = served.still_wanted

    def content() -> bytes:
        field = GradientField.from_bytes(served.compute.ask(question, wanted))
        arrays = {
            name: getattr(field, name).tolist() for name in ("x", "y", "u", "v", "loss", "is_zero", "zero_reason")
        }
        return as_json({**of.model_dump(), "num_rows": field.num_rows, "method": field.method, "grid": arrays}).encode()

    return sent(content, JSON, etag(key))


def _asked(served: Served, request: PathsRequest) -> dict[str, object]:
    asked = served.paths.asked(request)
    try:
        job = _job(served)
    except Unavailable:  # the broker is away: what is known is told all the same
        if not asked.is_known:
            raise
        job = None
    return {
        "key": asked.key,
        "request": request.model_dump(mode="json"),
        "is_known": asked.is_known,
        "refusal": served.told(asked.refusal),
        "conditions": [
            {"condition": each, "words": WORDS[each], "absent": asked.absent.get(each, "")} for each in CONDITIONS
        ],
        "cost": {
            "epochs": asked.cost.epochs,
            "before": asked.cost.before,
            "steps": asked.cost.steps,
            "num_bytes": asked.cost.num_bytes,
        },
        "job": job,
    }


def _job(served: Served) -> dict[str, object] | None:
    job = served.paths.job()
    return None if job is None else {**job.model_dump(mode="json"), "message": served.told(job.message)}


OPERATIONS = (
    Operation(
        "get",
        "/paths",
        paths_asked,
        "What is known of paths from a checkpoint: their key, their cost, and the job that computes them",
        (PathsRequest,),
        paths_answers.PathsAskedAnswer,
    ),
    Operation(
        "post",
        "/paths",
        start_paths,
        "Compute paths in the background, unless they are known: one job at a time",
        (PathsRequest,),
        paths_answers.PathsAskedAnswer,
    ),
    Operation("get", "/paths/job", paths_job, "The job that computes paths", (), paths_answers.PathsJobAnswer),
    Operation(
        "post",
        "/paths/cancel",
        cancel_paths,
        "End a job of paths: finished replicas are kept",
        (PathsKey,),
        paths_answers.PathsJobAnswer,
    ),
    Operation(
        "get",
        "/paths/results/{key}",
        paths_result,
        "Paths by the key of their content: spread, agreement, losses, and the ways in a plane",
        (PathsKey,),
        paths_answers.PathsResultAnswer,
    ),
    Operation(
        "get",
        "/paths/step",
        paths_step,
        "The minibatch that made a step of a replica",
        (PathsRequest, PathsStep),
        paths_answers.PathsStepAnswer,
    ),
    Operation(
        "get",
        "/paths/landscape",
        paths_landscape,
        "The gradient landscape of the minibatch that made a step, at the checkpoint where all replicas begin",
        (Replicas, PathsStep, TwoParameters),
        paths_answers.PathsLandscapeAnswer,
    ),
)
