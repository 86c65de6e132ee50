"""HTTP API of landscapes: one in any form, or those of all epochs or minibatches as a stream."""

from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote, urlencode

from flask import Response, request
from werkzeug.exceptions import Conflict

from gradviz.compute.directions import DIRECTIONS_VERSION, runs_named
from gradviz.compute.estimate import seconds_of
from gradviz.compute.export import landscape_bytes
from gradviz.compute.interface import Unavailable
from gradviz.compute.kinds import CoarseQuestion, LandscapeQuestion
from gradviz.compute.question import Question
from gradviz.compute.study_landscape import REPLAY_VERSION
from gradviz.dashboard import answers
from gradviz.dashboard.overview import etag
from gradviz.dashboard.query import ByKey, Frames
from gradviz.dashboard.routes import PREFIX, Operation, Served
from gradviz.dashboard.sending import (
    CHECK_AGAIN,
    FOR_EVER,
    MEDIA_TYPES,
    chosen_format,
    sent,
    sent_json,
    sentence_of,
    tagged,
)
from gradviz.drawing import frames
from gradviz.experiment.files import signature
from gradviz.experiment.run_directory import MINIBATCHES_NAME, checkpoint_files
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import ENGINE_VERSION, LandscapeRequest
from gradviz.logs import tell_log

_FORMS = ("json", "csv", "npz", "binary")
_STREAM = (
    "The fields of all epochs, or of all minibatches, in one stream, the requested one first. Blocks, each a "
    "little-endian uint32 (its length) and its bytes: first JSON with what all share, then one frame each: a uint32 "
    "(the length of its JSON), the JSON, and, unless that has an `error`, float32 u, v, loss and uint8 is_zero, "
    "zero_reason, each (points, points) with x running fastest."
)


def landscape(served: Served, asked: LandscapeRequest, by: ByKey) -> Response:
    form = chosen_format(by.format, _FORMS)
    key = served.compute.key(asked)
    tell_log(key=key)
    if by.expected_key not in ("", key):
        raise Conflict("the checkpoint has changed since this key; omit `expected_key` to get the current one.")
    stable = asked.model_dump(exclude={"variant"}) | {"format": form, "expected_key": key}
    wanted = served.still_wanted
    # the answer repeats what the key leaves out, such as the seed in eval mode
    tag = etag(f"{key} {form} {asked.canonical()}")

    def content() -> bytes:
        kept = served.compute.ask(LandscapeQuestion(request=asked), wanted)
        if form == "binary":
            return kept
        field = GradientField.from_bytes(kept)
        return served.texts.get(tag, lambda: landscape_bytes(field, asked, f".{form}"))

    answer = sent(
        content,
        MEDIA_TYPES[form],
        tag,
        kept=FOR_EVER if by.expected_key else CHECK_AGAIN,
        headers={"Content-Location": f"{quote(request.root_path)}{PREFIX}/landscape?{urlencode(stable)}"},
    )
    answer.vary.add("Accept")
    return answer


def landscape_of_body(served: Served, asked: LandscapeRequest, by: ByKey) -> Response:
    return landscape(served, asked, by)


def many(served: Served, asked: LandscapeRequest, which: Frames) -> Response:
    indices = _indices(served, asked, which)
    packed = "gzip" in request.accept_encodings
    tag = etag(f"{packed} {asked} {which} {indices} {_files(served, asked, which)}")
    tell_log(key=tag, frames=len(indices))
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        header = {"request": asked.model_dump(), "over": which.over, "indices": indices}
        blocks = _frames(served, asked, which, indices)
        # Makes the first frame before the answer begins, so that an error can still become a 422.
        first = next(blocks, b"")
        stream = frames.stream(header, chain([first] if first else [], blocks))
        answer = Response(frames.gzipped(stream) if packed else stream, mimetype=MEDIA_TYPES["binary"])
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    return tagged(answer, tag)


def _indices(served: Served, asked: LandscapeRequest, which: Frames) -> list[int]:
    """The available indices, those nearest to the first index first; UserError as `OverFrames.check`."""
    which.check(asked)
    run = served.store.any_run(asked.run)
    there = run.epochs() if which.over == "epochs" else range(run.num_minibatches(asked.minibatch_size))
    first = which.index_of(asked)
    # A missing first index gives the reader an error.
    wanted = {*there, first} if which.wanted is None else set(there) & which.wanted
    return frames.nearest_first(wanted, first)


def _files(served: Served, asked: LandscapeRequest, which: Frames) -> list[object]:
    """What the frames depend on; files by size and time, because their digests would take a second."""
    run = served.store.any_run(asked.run)
    files = checkpoint_files(run.path).items()
    needed = [path for epoch, path in files if which.over == "epochs" or epoch == asked.epoch]
    if asked.has_directions:  # they are made from other checkpoints too
        made_from = [run.path, *(served.store.any_run(name).path for name in runs_named(asked))]
        needed = [path for own in made_from for path in checkpoint_files(own).values()]
    needed += [run.path / MINIBATCHES_NAME] if isinstance(run, StudyRun) else []
    identity = run.identity() if isinstance(run, StudyRun) else run.config
    return [ENGINE_VERSION, REPLAY_VERSION, DIRECTIONS_VERSION, identity, *(signature(path) for path in needed)]


def _frames(served: Served, asked: LandscapeRequest, which: Frames, indices: list[int]) -> Iterator[bytes]:
    """The frames in this order. Raises an error of the first frame; later errors become frames."""
    if not indices:
        return
    compute, still_wanted = served.compute, served.still_wanted
    first = _question(asked, which, indices[0])
    yield frames.frame_of(indices[0], compute.ask(first, still_wanted))
    questions = [_question(asked, which, index) for index in indices[1:]]
    outcomes = compute.outcomes(questions, together=which.together, still_wanted=still_wanted)
    for index, outcome in zip(indices[1:], outcomes, strict=True):
        if isinstance(outcome, Unavailable):
            yield frames.missing_frame(index, served.told(str(outcome)), later=True)
            return
        if isinstance(outcome, Exception):  # the answer has begun: raising would cut it off
            yield frames.missing_frame(index, served.told(sentence_of(outcome)))
        else:
            yield frames.frame_of(index, outcome)


def _question(asked: LandscapeRequest, which: Frames, index: int) -> Question:
    request = which.at(asked, index)
    return CoarseQuestion(request=request, size=which.coarse) if which.coarse else LandscapeQuestion(request=request)


def estimate(served: Served, asked: LandscapeRequest) -> Response:
    question = LandscapeQuestion(request=asked)
    is_kept = served.compute.cache.get(question.key(served.store)) is not None
    seconds = 0.0 if is_kept else seconds_of(question.passes(served.store))
    return sent_json({"request": asked.model_dump(), "seconds": seconds, "is_kept": is_kept})


_ONE = ((LandscapeRequest, ByKey), answers.LandscapeAnswer, _FORMS, (406, 409))
OPERATIONS = (
    Operation("get", "/landscape", landscape, "One gradient landscape", *_ONE),
    Operation("post", "/landscape", landscape_of_body, "One gradient landscape, requested in a body", *_ONE),
    Operation(
        "get",
        "/estimate",
        estimate,
        "How long a landscape will take, about: from its size alone, the same on every machine",
        (LandscapeRequest,),
        answers.EstimateAnswer,
    ),
    Operation("get", "/frames", many, _STREAM, (LandscapeRequest, Frames), forms=("binary",)),
)
