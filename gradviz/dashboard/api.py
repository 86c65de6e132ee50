"""The HTTP API under /api/v1: what the page draws from, and anyone else may. `openapi.py` describes it.

A mistake gets {"error": one sentence} and the status that fits. Every answer has an ETag; a landscape that is asked for
by its key may be kept for ever.
"""

import io
from collections.abc import Callable, Iterator
from itertools import chain
from urllib.parse import urlencode

import numpy as np
from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import Conflict, MethodNotAllowed, NotFound

from gradviz.compute.export import landscape_bytes
from gradviz.compute.interface import ComputationFailed, Compute, StillWanted, Unavailable
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.memory import OutOfMemory
from gradviz.compute.trainer import Trainer
from gradviz.compute.workbench import MINIBATCHES_TOGETHER
from gradviz.dashboard import query, training
from gradviz.dashboard.connection import still_connected
from gradviz.dashboard.course import add_course
from gradviz.dashboard.discretion import Discretion
from gradviz.dashboard.door import TOO_LARGE
from gradviz.dashboard.evidence_api import add_evidence
from gradviz.dashboard.export_api import add_exports
from gradviz.dashboard.kept import Kept
from gradviz.dashboard.openapi import PREFIX, document
from gradviz.dashboard.overview import etag, run_of, runs_of, unreadable_of
from gradviz.dashboard.query import from_arguments, from_body, json_body
from gradviz.dashboard.sending import (
    CHECK_AGAIN,
    FOR_EVER,
    MEDIA_TYPES,
    allowed_methods,
    chosen_format,
    mistake,
    not_now,
    sent,
    sent_json,
    sentence_of,
    tagged,
    tell_mistakes,
)
from gradviz.dashboard.statistics_api import add_statistics
from gradviz.drawing import frames
from gradviz.errors import UserError
from gradviz.experiment.files import signature
from gradviz.experiment.rows import Minibatch
from gradviz.experiment.run import checkpoint_files
from gradviz.experiment.store import RunStore
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import ENGINE_VERSION, LandscapeRequest
from gradviz.logs import tell_log
from gradviz.settings import Settings


def create_api(settings: Settings, compute: Compute, store: RunStore, trainer: Trainer) -> Blueprint:
    """The blueprint; its handlers hold no state but what they are given here."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    catch_all = f"{api.name}.nothing"
    told = Discretion.of(settings).told

    @api.record_once
    def mistakes(state: BlueprintSetupState) -> None:
        tell_mistakes(state.app, PREFIX, TOO_LARGE, catch_all)

    @api.errorhandler(UserError)
    def user_error(error: UserError) -> Response:
        return mistake(told(str(error)), 422)

    @api.errorhandler(OutOfMemory)
    def out_of_memory(error: OutOfMemory) -> Response:
        return not_now(told(str(error)))

    @api.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        return not_now(told(str(error)), error.seconds)

    @api.errorhandler(ComputationFailed)
    def failed(error: ComputationFailed) -> Response:
        return mistake(told(str(error)), 500)

    @api.get("/openapi.json")
    def openapi() -> Response:
        from_arguments(query.Nothing, request.args)
        return sent_json(document())

    @api.get("/runs")
    def runs() -> Response:
        from_arguments(query.Nothing, request.args)
        told = {"runs": runs_of(store), "unreadable": unreadable_of(store)}
        return sent_json(told | {"training": training.status_of(trainer, settings)})

    @api.get("/runs/<run>")
    def one_run(run: str) -> Response:
        asked = from_arguments(query.RunQuery, request.args, run=run)
        return sent_json(run_of(store.run(asked.run)))

    @api.get("/minibatches/<run>/<minibatch>")
    def minibatch(run: str, minibatch: str) -> Response:
        asked = from_arguments(query.MinibatchQuery, request.args, run=run, minibatch=minibatch)
        form = chosen_format(asked.format, ("json", "npz"))
        rows = store.run(asked.run).minibatch(asked.minibatch, asked.minibatch_size)
        if form == "npz":
            content = _npz(rows)
            answer = sent(lambda: content, MEDIA_TYPES["npz"], etag(content.hex()))
        else:
            about = {"run": asked.run, "variant": asked.run, "minibatch": asked.minibatch}
            answer = sent_json(about | {"rows": rows.rows_B.tolist(), "targets": rows.targets_B.tolist()})
        answer.vary.add("Accept")
        return answer

    @api.get("/landscape")
    def landscape() -> Response:
        return answer_landscape(from_arguments(query.LandscapeQuery, request.args))

    @api.post("/landscape")
    def landscape_of_body() -> Response:
        from_arguments(query.Nothing, request.args)
        return answer_landscape(from_body(query.LandscapeQuery, json_body()))

    texts = Kept()

    def in_form(field: GradientField, asked: LandscapeRequest, form: str, tag: str) -> bytes:
        if form == "binary":
            return field.to_bytes()
        return texts.get(tag, lambda: landscape_bytes(field, asked, f".{form}"))

    def answer_landscape(asked: query.LandscapeQuery) -> Response:
        form = chosen_format(asked.format, ("json", "csv", "npz", "binary"))
        key = compute.key(asked.request)
        tell_log(key=key)
        if asked.expected_key not in ("", key):
            raise Conflict(
                "this key is of another content of the checkpoint; ask without `expected_key` for what is there now."
            )
        stable = asked.request.model_dump(exclude={"variant"}) | {"format": form, "expected_key": key}
        wanted = still_connected(request.environ)
        # what the key leaves out, as the seed in eval mode, is repeated in the answer
        tag = etag(f"{key} {form} {asked.request.canonical()}")
        answer = sent(
            lambda: in_form(compute.landscape(asked.request, wanted), asked.request, form, tag),
            MEDIA_TYPES[form],
            tag,
            kept=FOR_EVER if asked.expected_key else CHECK_AGAIN,
            headers={"Content-Location": f"{PREFIX}/landscape?{urlencode(stable)}"},
        )
        answer.vary.add("Accept")
        return answer

    @api.get("/frames")
    def many() -> Response:
        asked = from_arguments(query.FramesQuery, request.args)
        indices = _indices(asked, store)
        packed = "gzip" in request.accept_encodings
        tag = etag(f"{packed} {asked} {indices} {_files(asked, store)}")
        tell_log(key=tag, frames=len(indices))
        if request.if_none_match.contains_weak(tag):
            answer = Response(status=304)
        else:
            header = {"request": asked.request.model_dump(), "over": asked.over, "indices": indices}
            blocks = _frames(compute, asked, indices, still_connected(request.environ), told)
            # The first frame is made before the answer begins: a mistake is still a 422.
            first = next(blocks, b"")
            stream = frames.stream(header, chain([first] if first else [], blocks))
            answer = Response(frames.gzipped(stream) if packed else stream, mimetype=MEDIA_TYPES["binary"])
            if packed:
                answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        return tagged(answer, tag)

    @api.get("/training")
    def training_status() -> Response:
        from_arguments(query.Nothing, request.args)
        return sent_json(training.status_of(trainer, settings))

    @api.post("/training")
    def training_action() -> Response:
        from_arguments(query.Nothing, request.args)
        asked = from_body(query.TrainingAction, json_body())
        training.act(asked, trainer, settings)
        return sent_json(training.status_of(trainer, settings))

    add_statistics(api, compute, store)
    add_course(api, compute, store)
    add_evidence(api, compute, store)
    add_exports(api, settings, compute, store)

    @api.get("/", defaults={"unknown": ""}, strict_slashes=False)
    @api.get("/<path:unknown>")
    def nothing(unknown: str) -> Response:
        # Without this, Dash answers any address with the page.
        raise MethodNotAllowed if allowed_methods(catch_all) else NotFound

    @api.after_request
    def tell_methods(answer: Response) -> Response:
        if request.method == "OPTIONS":  # Flask counts the address above, which takes GET for any
            answer.headers["Allow"] = ", ".join(allowed_methods(catch_all))
        return answer

    return api


def _indices(asked: query.FramesQuery, store: RunStore) -> list[int]:
    """What there is, nearest to the first first."""
    run = store.run(asked.run)
    there = run.epochs() if asked.over == "epochs" else range(run.num_minibatches(asked.minibatch_size))
    # If the first is not there, the reader is told.
    wanted = {*there, asked.first} if asked.wanted is None else set(there) & asked.wanted
    return frames.nearest_first(wanted, asked.first)


def _files(asked: query.FramesQuery, store: RunStore) -> list[object]:
    """What the frames depend on, by size and time of the files: their digests would take a second to learn."""
    run = store.run(asked.run)
    files = checkpoint_files(run.path).items()
    needed = [path for epoch, path in files if asked.over == "epochs" or epoch == asked.epoch]
    return [ENGINE_VERSION, run.config, *(signature(path) for path in needed)]


def _frames(
    compute: Compute,
    asked: query.FramesQuery,
    indices: list[int],
    still_wanted: StillWanted,
    told: Callable[[str], str],
) -> Iterator[bytes]:
    """The frames in this order. An error in the first is raised; later ones are frames that say it."""
    if not indices:
        return
    yield frames.frame(indices[0], compute.landscape(asked.at(indices[0]), still_wanted))
    together = MINIBATCHES_TOGETHER if asked.over == "minibatches" else 1
    made = 1
    while made < len(indices):
        questions = [LandscapeQuestion(request=asked.at(index)) for index in indices[made:]]
        try:
            for content in compute.stream(questions, together=together, still_wanted=still_wanted):
                yield frames.frame(indices[made], GradientField.from_bytes(content))
                made += 1
        except Unavailable as error:
            yield frames.missing_frame(indices[made], told(str(error)), later=True)
            return
        except Exception as error:  # noqa: BLE001  (the answer has begun: to raise would cut it off)
            yield frames.missing_frame(indices[made], told(sentence_of(error)))
            made += 1


def _npz(rows: Minibatch) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(
        content, inputs=rows.inputs_BI.numpy(), targets=rows.targets_B.numpy(), rows=rows.rows_B.numpy()
    )
    return content.getvalue()
