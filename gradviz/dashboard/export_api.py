"""HTTP API that turns a view into a file, or into commands that reproduce it."""

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from itertools import chain
from time import monotonic

from flask import Response
from markupsafe import escape
from werkzeug.exceptions import TooManyRequests

from gradviz.compute.interface import StillWanted
from gradviz.compute.recipe import command_lines, file_name, python_text
from gradviz.dashboard import answers
from gradviz.dashboard.discretion import place_of
from gradviz.dashboard.export_file import ExportFile, Step, export_name
from gradviz.dashboard.export_query import ExportQuery
from gradviz.dashboard.exports import steps
from gradviz.dashboard.places import Full, Places
from gradviz.dashboard.pulse import with_pulse
from gradviz.dashboard.query import Ground, RecipeQuery
from gradviz.dashboard.routes import EXPORTS_AT_ONCE, Operation, Served
from gradviz.dashboard.sending import MEDIA_TYPES, sent_json, sentence_of
from gradviz.drawing import frames
from gradviz.drawing.choices import FILMS, STILLS

FORMS = ("html", *FILMS, *STILLS, "binary")
PULSE_SECONDS = 2.0
"""Longer than the patience of the places, whose refusal is an answer of its own."""
_CHUNK_BYTES = 1 << 18

_Item = Step | ExportFile | None
"""None: nothing new, but the work goes on."""


_EXPORTS = (
    "A view as one file: an interactive page, a film, or a still picture in vectors or pixels. With `progress` the "
    "answer is a stream of blocks, each a little-endian uint32 (its length) and its bytes: JSON with `done`, `total` "
    "and `doing` for each step and every few seconds, then JSON with the file's `name`, `type` and `bytes` (or an "
    "`error`), then its content in parts; `notes` are sentences on what is not in the file, and `caption` tells all "
    "conditions of a still picture, as its metadata do. Without it a page that takes long begins with empty lines, so "
    "that nobody takes the connection for dead; should it fail then, its content is a sentence. The work ends when the "
    "client closes the connection. An epoch that has no plane along these directions, such as the one that `towards:` "
    "leads to, is left out, which the interactive page, the frames of a film and `notes` say; if a still picture "
    "shows it, or none is left, the request is refused."
)


def export(served: Served, asked: ExportQuery) -> Response:
    wanted = served.still_wanted
    made = steps(asked, served.compute, served.store, wanted)
    work = with_pulse(_in_place(served.export_places, made, wanted), PULSE_SECONDS)
    first = next(work)  # an error in the request can still become a 422
    if asked.progress:
        answer = Response(frames.prefixed(_blocks(first, work, served.told)), mimetype=MEDIA_TYPES["binary"])
    else:
        answer = Response(_content(first, work, asked.kind, served.told), mimetype=MEDIA_TYPES[asked.kind])
        answer.headers["Content-Disposition"] = f'attachment; filename="{export_name(asked)}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def recipes(served: Served, asked: RecipeQuery, ground: Ground) -> Response:
    for panel in asked.panels:
        served.compute.key(panel)  # raises UserError for a missing run or checkpoint
    place = place_of(served.settings.runs)
    seen_from = ground.camera if ground.under == "surface" else ""
    surfaces = command_lines(asked.panels, served.store, place, seen_from) if seen_from else ""
    return sent_json(
        {
            "command_lines": command_lines(asked.panels, served.store, place) + surfaces,
            "python": python_text(asked.panels, served.store, place),
            "names": [file_name(panel) for panel in asked.panels],
        }
    )


def _in_place(
    places: Places, work: Iterator[Step | ExportFile], wanted: StillWanted
) -> Generator[Step | ExportFile, None, None]:
    """The work in one of the places, which is released when the work ends, fails or loses its listener."""
    try:
        with places.taken(wanted):
            yield from work
    except Full:
        raise TooManyRequests(f"{EXPORTS_AT_ONCE} exports are already running: wait until one is done.") from None


def _content(first: _Item, work: Iterator[_Item], kind: str, told: Callable[[str], str]) -> bytes | Iterator[bytes]:
    """The file; a page that is not there soon begins with empty lines, which no browser shows."""
    until = monotonic() + PULSE_SECONDS
    for step in chain([first], work):
        if isinstance(step, ExportFile):
            return step.content
        if kind == "html" and (step is None or monotonic() > until):
            return _kept_alive(work, told)
    raise AssertionError("The work ended without a file.")


def _kept_alive(work: Iterator[_Item], told: Callable[[str], str]) -> Iterator[bytes]:
    """Empty lines, then the page; a sentence in its place if it fails."""
    try:
        yield b"\n"
        for step in work:
            yield step.content if isinstance(step, ExportFile) else b"\n"
    except Exception as error:  # noqa: BLE001  (the answer has begun: raising would cut it off without a reason)
        yield f"<!doctype html><title>No file</title><p>{escape(told(sentence_of(error)))}".encode()


def _blocks(first: _Item, work: Iterator[_Item], told: Callable[[str], str]) -> Iterator[bytes]:
    """JSON with the progress, for each step; then JSON that describes the file, or the error; then the file."""
    last = Step(0, 1, "waiting")
    try:
        for step in chain([first], work):
            if isinstance(step, ExportFile):
                about = {"name": step.name, "type": MEDIA_TYPES[step.kind], "bytes": len(step.content)}
                about |= {"notes": list(step.notes)} if step.notes else {}
                about |= {"caption": step.caption} if step.caption else {}
                yield json.dumps(about).encode()
                for start in range(0, len(step.content), _CHUNK_BYTES):
                    yield step.content[start : start + _CHUNK_BYTES]
            else:
                last = step or last
                yield json.dumps(asdict(last)).encode()
    except Exception as error:  # noqa: BLE001  (the answer has begun: raising would cut it off without a reason)
        yield json.dumps({"error": told(sentence_of(error))}).encode()


OPERATIONS = (
    Operation("post", "/exports", export, _EXPORTS, (ExportQuery,), forms=FORMS),
    Operation(
        "post",
        "/recipes",
        recipes,
        "Shell commands and Python that reproduce the numbers of a view, and commands that draw its surfaces",
        (RecipeQuery, Ground),
        answers.RecipeAnswer,
    ),
)
