"""The HTTP API under /api/v1: what the page draws from, and anyone else may.

`GET runs` · `GET activity/VARIANT/EPOCH` · `GET|POST landscape` · `GET frames` · `GET|POST training`. A mistake gets
422 and {"error": one sentence}. Answers that would change with the checkpoints carry an ETag.
"""

from collections.abc import Iterator

import numpy as np
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard import frames, query, training
from gradviz.dashboard.overview import as_json, etag, runs_of
from gradviz.errors import UserError
from gradviz.experiment.files import signature
from gradviz.experiment.run import checkpoint_files
from gradviz.experiment.store import RunStore
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import ENGINE_VERSION, LandscapeRequest
from gradviz.settings import Settings

PREFIX = "/api/v1"
BINARY = "application/octet-stream"


def create_api(settings: Settings, compute: LocalCompute, store: RunStore, trainer: TrainerProcess) -> Blueprint:
    """The blueprint; its handlers hold no state but what they are given here."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)

    @api.before_request
    def refuse_large_bodies() -> None:
        # Of this prefix alone: Dash's own requests have their own limits.
        request.max_content_length = query.MAX_BODY_BYTES

    @api.get("/runs")
    def runs() -> Response:
        query.no_arguments(request.args)
        return _json({"runs": runs_of(store), "training": training.status_of(trainer, settings)})

    @api.get("/activity/<variant>/<int:epoch>")
    def activity(variant: str, epoch: int) -> Response:
        query.no_arguments(request.args)
        shares = compute.activity(variant, epoch)
        return _json({"layers": [np.round(np.asarray(layer, float), 4).tolist() for layer in shares]})

    @api.route("/landscape", methods=["GET", "POST"])
    def landscape() -> Response:
        if request.method == "POST":
            query.no_arguments(request.args)
            asked = query.landscape_request_of_body(request.get_data())
        else:
            asked = query.landscape_request(request.args)
        tag = compute.key(asked)
        wants_binary = request.accept_mimetypes.best_match(["application/json", BINARY]) == BINARY
        tag += "-b" if wants_binary else "-j"
        if request.if_none_match.contains(tag):
            return _tagged(Response(status=304), tag)
        field = compute.landscape(asked)
        if wants_binary:
            return _tagged(Response(field.to_bytes(), mimetype=BINARY), tag)
        return _tagged(Response(as_json(_field_as_json(asked, field)), mimetype="application/json"), tag)

    @api.get("/frames")
    def many() -> Response:
        asked = query.frames_query(request.args)
        indices = _indices(asked, store)
        packed = "gzip" in request.accept_encodings
        tag = etag(f"{packed} {asked} {indices} {_files(asked, store)}")
        if request.if_none_match.contains(tag):
            return _tagged(Response(status=304), tag)
        header = {"request": asked.request.model_dump(), "over": asked.over, "indices": indices}
        blocks = _frames(compute, asked, indices)
        # The first frame is made before the answer begins: a mistake is still a 422.
        first = next(blocks, b"")
        stream = frames.stream(header, _chain(first, blocks))
        answer = Response(frames.gzipped(stream) if packed else stream, mimetype=BINARY)
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        return _tagged(answer, tag)

    @api.get("/training")
    def training_status() -> Response:
        query.no_arguments(request.args)
        return _json(training.status_of(trainer, settings))

    @api.post("/training")
    def training_action() -> Response:
        # JSON alone: a form of another site cannot send it without asking first.
        if not request.is_json:
            raise UserError('Send {"action": "start"} as application/json.')
        training.act(query.json_object(request.get_data()), trainer, settings)
        return _json(training.status_of(trainer, settings))

    @api.get("/<path:unknown>")
    def nothing(unknown: str) -> Response:
        # Without this, Dash answers any address with the page.
        raise NotFound(f"{PREFIX}/{unknown[:80]} does not exist.")

    @api.errorhandler(UserError)
    def user_error(error: UserError) -> Response:
        return Response(as_json({"error": str(error)}), status=422, mimetype="application/json")

    @api.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        message = f"{error.name}: {error.description}"
        if error.code == 413:
            message = f"The body is larger than {query.MAX_BODY_BYTES // 1024} kB: a request is far smaller."
        return Response(as_json({"error": message}), status=error.code, mimetype="application/json")

    return api


def _indices(asked: query.FramesQuery, store: RunStore) -> list[int]:
    """What there is, nearest to the first first."""
    run = store.run(asked.request.variant)
    there = run.epochs() if asked.over == "epochs" else range(run.num_minibatches(asked.request.minibatch_size))
    wanted = set(there) if asked.only is None else set(there) & set(asked.only)
    if asked.only is None:
        wanted.add(asked.first)  # if it is not there, the reader is told
    return frames.nearest_first(wanted, asked.first)


def _files(asked: query.FramesQuery, store: RunStore) -> list[object]:
    """What the frames depend on, by size and time of the files: their digests would take a second to learn."""
    run = store.run(asked.request.variant)
    files = checkpoint_files(run.path).items()
    needed = [path for epoch, path in files if asked.over == "epochs" or epoch == asked.request.epoch]
    return [ENGINE_VERSION, run.config, *(signature(path) for path in needed)]


def _frames(compute: LocalCompute, asked: query.FramesQuery, indices: list[int]) -> Iterator[bytes]:
    for position, index in enumerate(indices):
        try:
            field = compute.landscape(asked.at(index))
        except UserError as error:
            if position == 0:
                raise
            yield frames.missing_frame(index, str(error))
        else:
            yield frames.frame(index, field)


def _field_as_json(asked: LandscapeRequest, field: GradientField) -> dict[str, object]:
    arrays = {name: getattr(field, name) for name in ("x", "y", "u", "v", "loss", "is_zero", "zero_reason")}
    return {
        "request": asked.model_dump(),
        **{name: array.tolist() for name, array in arrays.items()},
        "share_below": field.share_below,
        "num_rows": field.num_rows,
        "x_active": field.x_active,
        "y_active": field.y_active,
    }


def _json(value: object) -> Response:
    body = as_json(value)
    tag = etag(body)
    if request.method == "GET" and request.if_none_match.contains(tag):
        return _tagged(Response(status=304), tag)
    return _tagged(Response(body, mimetype="application/json"), tag)


def _tagged(answer: Response, tag: str) -> Response:
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "no-cache"  # kept, but asked for again: a checkpoint may change
    return answer


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
