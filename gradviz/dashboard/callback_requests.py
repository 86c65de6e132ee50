"""Checks requests to Dash's own addresses before Dash, which fails on anything that its page does not send."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from dash import Dash
from dash.exceptions import DependencyException
from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import NotFound

from gradviz.compute.interface import Unavailable
from gradviz.dashboard.query import json_body, json_object
from gradviz.dashboard.sending import mistake, not_now
from gradviz.errors import UserError, one_line

CALLBACKS = "/_dash-update-component"
_SUITES = "/_dash-component-suites/"
_MAX_PLACES = 100


class _Place(BaseModel):
    """A property of a component. No component of this page has a pattern as its id."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: str = Field(max_length=100)
    property: str = Field(max_length=100)


_Places = Annotated[list[_Place], Field(max_length=_MAX_PLACES)]


class _Call(BaseModel):
    """The part of a callback's request that Dash's server reads."""

    model_config = ConfigDict(strict=True, frozen=True)

    output: str = Field(max_length=1000)
    outputs: _Place | _Places
    inputs: _Places
    state: _Places = []
    changedPropIds: list[str] = Field(default=[], max_length=_MAX_PLACES)


def check_callbacks(app: Dash, told: Callable[[str], str]) -> None:
    """Answers 4xx to requests that our page never sends; Dash would answer 500 with a traceback in the log."""
    server: Flask = app.server

    @server.before_request
    def check() -> None:
        if request.path == CALLBACKS and request.method == "POST":
            _refuse_unlike(json_object(json_body()), app.callback_map)

    @server.errorhandler(UserError)
    def user_error(error: UserError) -> Response:
        return mistake(told(str(error)), 422)

    @server.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        return not_now(told(str(error)))

    [suites] = [rule.endpoint for rule in server.url_map.iter_rules() if rule.rule.startswith(_SUITES)]
    serve = server.view_functions[suites]

    def serve_what_is_there(**path: str) -> Any:
        try:
            return serve(**path)
        except (DependencyException, OSError):  # no such package, or no such file in it
            raise NotFound from None

    server.view_functions[suites] = serve_what_is_there


def _refuse_unlike(body: object, callbacks: Mapping[str, Any]) -> None:
    """UserError unless this is a call of one of `callbacks`, with its own inputs and outputs."""
    try:
        call = _Call.model_validate(body)
    except ValidationError as error:
        raise UserError(one_line(error)) from None
    known = callbacks.get(call.output)
    if known is None or "callback" not in known:
        raise UserError(f"This page has no callback `{call.output[:60]}`: reload the page.")
    outputs = call.outputs if isinstance(call.outputs, list) else [call.outputs]
    declared = known["output"] if isinstance(known["output"], list | tuple) else [known["output"]]
    if (
        isinstance(call.outputs, list) != isinstance(known["output"], list | tuple)
        or _places(outputs) != [(each.component_id, each.component_property) for each in declared]
        or _places(call.inputs) != [(each["id"], each["property"]) for each in known["inputs"]]
        or _places(call.state) != [(each["id"], each["property"]) for each in known["state"]]
    ):
        raise UserError(f"`{call.output[:60]}` has different inputs and outputs: reload the page.")


def _places(places: list[_Place]) -> list[tuple[str, str]]:
    return [(place.id, place.property) for place in places]
