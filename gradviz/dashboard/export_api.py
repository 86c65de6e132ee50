"""The addresses of the HTTP API at which a view becomes a file, and is told as a recipe."""

import json
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

from flask import Blueprint, Response, request
from werkzeug.exceptions import TooManyRequests

from gradviz.compute.interface import Compute
from gradviz.compute.recipe import command_lines, file_name, python_text
from gradviz.dashboard import query
from gradviz.dashboard.connection import still_connected
from gradviz.dashboard.discretion import Discretion, place_of
from gradviz.dashboard.exports import ExportFile, Step, steps
from gradviz.dashboard.query import from_arguments, from_body, json_body
from gradviz.dashboard.sending import MEDIA_TYPES, sent_json, sentence_of
from gradviz.drawing import frames
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

AT_ONCE = 2
"""Files that one server process makes at a time: each holds one of its threads."""

_PATIENCE_SECONDS = 1.0  # who has left is noticed meanwhile
_CHUNK_BYTES = 1 << 18


def add_exports(api: Blueprint, settings: Settings, compute: Compute, store: RunStore) -> None:
    """Adds `POST /exports` and `POST /recipes`."""
    places = BoundedSemaphore(AT_ONCE)
    told = Discretion.of(settings).told

    @api.post("/exports")
    def export() -> Response:
        from_arguments(query.Nothing, request.args)
        asked = from_body(query.ExportQuery, json_body())
        work = _in_place(places, steps(asked, compute, store, still_connected(request.environ)))
        first = next(work)  # a mistake in what is asked for is still a 422
        if asked.progress:
            answer = Response(frames.prefixed(_blocks(first, work, told)), mimetype=MEDIA_TYPES["binary"])
        else:
            file = _last(work)
            answer = Response(file.content, mimetype=MEDIA_TYPES[file.kind])
            answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @api.post("/recipes")
    def recipes() -> Response:
        from_arguments(query.Nothing, request.args)
        asked = from_body(query.RecipeQuery, json_body())
        for panel in asked.requests:
            compute.key(panel)  # refuses what is not there
        return sent_json(
            {
                "command_lines": command_lines(asked.requests, place_of(settings.runs)),
                "python": python_text(asked.requests, place_of(settings.runs)),
                "names": [file_name(panel) for panel in asked.requests],
            }
        )


def _in_place(places: BoundedSemaphore, work: Iterator[Step | ExportFile]) -> Iterator[Step | ExportFile]:
    """The work in one of the places, which is free again when it ends, fails or is no longer listened to."""
    if not places.acquire(timeout=_PATIENCE_SECONDS):
        raise TooManyRequests(f"{AT_ONCE} files are being made already: wait until one is done.")
    try:
        yield from work
    finally:
        places.release()


def _last(work: Iterator[Step | ExportFile]) -> ExportFile:
    for step in work:
        if isinstance(step, ExportFile):
            return step
    raise AssertionError("The work ended without a file.")


def _blocks(first: Step | ExportFile, work: Iterator[Step | ExportFile], told: Callable[[str], str]) -> Iterator[bytes]:
    """JSON that says how far it is, for each step; then JSON that describes the file, or the mistake; then the file."""
    try:
        for step in _chain(first, work):
            if isinstance(step, ExportFile):
                about = {"name": step.name, "type": MEDIA_TYPES[step.kind], "bytes": len(step.content)}
                yield json.dumps(about).encode()
                for start in range(0, len(step.content), _CHUNK_BYTES):
                    yield step.content[start : start + _CHUNK_BYTES]
            else:
                yield json.dumps({"done": step.done, "total": step.total, "doing": step.doing}).encode()
    except Exception as error:  # noqa: BLE001  (the answer has begun: to raise would cut it off without a word)
        yield json.dumps({"error": told(sentence_of(error))}).encode()


def _chain(first: Step | ExportFile, rest: Iterator[Step | ExportFile]) -> Iterator[Step | ExportFile]:
    yield first
    yield from rest
