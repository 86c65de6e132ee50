"""The OpenAPI 3.1 document of the HTTP API, made of the models that check its requests and describe its answers."""

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import gradviz
from gradviz.dashboard import answers, query
from gradviz.dashboard.sending import JSON, MEDIA_TYPES
from gradviz.landscape.request import MAX_POINTS

PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"

_PARAMETER_NAME = (
    r"^((hidden\.[0-9]{1,3}\.linear|output)\.(bias\[[0-9]{1,9}\]|weight\[[0-9]{1,9},[0-9]{1,9}\])"
    r"|hidden\.[0-9]{1,3}\.norm\.(bias|weight)\[[0-9]{1,9}\])$"
)
_EXAMPLES = ["hidden.1.linear.bias[0]", "hidden.2.linear.weight[3,17]", "hidden.1.norm.weight[5]", "output.bias[0]"]
_SAID_BY_VALIDATORS: dict[str, dict[str, Any]] = {
    "x": {"pattern": _PARAMETER_NAME, "description": "a parameter, by its name and index", "examples": _EXAMPLES},
    "y": {"pattern": _PARAMETER_NAME, "description": "another parameter", "examples": _EXAMPLES},
    "points": {"minimum": 3, "maximum": MAX_POINTS, "not": {"multipleOf": 2}, "description": "of each side: odd"},
}
"""What the fields of a landscape's request must be, where validators say it in words that JSON Schema does not know."""

_MISTAKES = {
    400: "The Host header is no name, the Content-Length no number, or the query not UTF-8.",
    401: "The server asks for a password (HTTP Basic), and this is not it.",
    403: "Asked by another site's page, or under a name that is not this server's (GRADVIZ_ALLOWED_HOSTS).",
    404: "Nothing is at this address.",
    405: "This cannot be done at this address.",
    406: "The Accept header takes no form that this can be had in.",
    409: "The checkpoint has another content than the key says.",
    413: f"The body is larger than {query.MAX_BODY_BYTES // 1024} kB.",
    415: "The body is not declared as application/json.",
    429: "Too many wrong passwords from this address (Retry-After says how long to wait), or too many files at once.",
    422: "A value cannot be used, is missing or is not known.",
    503: "Whoever computes is busy or away: {error} says which, Retry-After when to ask again.",
    500: "The server failed; its log says how.",
}


@dataclass(frozen=True)
class _Operation:
    """One method at one address. `forms`: formats of the answer; `asked` in the body if it is a POST."""

    method: str
    path: str
    name: str
    summary: str
    asked: type[BaseModel]
    answer: type[BaseModel] | None
    forms: tuple[str, ...] = ("json",)
    mistakes: tuple[int, ...] = ()


_LANDSCAPE_FORMS = ("json", "csv", "npz", "binary")
_FRAMES = (
    "The fields of all epochs, or of all minibatches, in one stream, the one asked for first. Blocks, each a "
    "little-endian uint32 (its length) and its bytes: first JSON that says what all share, then a frame each: a uint32 "
    "(the length of its JSON), the JSON, and, unless that has an `error`, float32 u, v, loss and uint8 is_zero, "
    "zero_reason, each (points, points) with x running fastest."
)
_EXPORTS = (
    "A view as one file: an interactive page or an animated gif. With `progress` the answer is a stream of blocks, "
    "each a little-endian uint32 (its length) and its bytes: JSON with `done`, `total` and `doing` for each step, then "
    "JSON with the file's `name`, `type` and `bytes` (or an `error`), then its content in parts. The work ends when "
    "the client closes the connection."
)
_OPERATIONS = (
    _Operation("get", "/openapi.json", "document", "This document", query.Nothing, None),
    _Operation("get", "/runs", "runs", "All runs and the training", query.Nothing, answers.RunsAnswer),
    _Operation("get", "/runs/{run}", "run", "One run with its metrics", query.RunQuery, answers.RunAnswer),
    _Operation(
        "get",
        "/activity/{run}/{epoch}",
        "activity",
        "Activity of all hidden units at a checkpoint",
        query.ActivityQuery,
        answers.ActivityAnswer,
    ),
    _Operation(
        "get",
        "/activity/{run}/{epoch}/{layer}",
        "layer_activity",
        "Activity of one hidden layer's units at a checkpoint",
        query.LayerActivityQuery,
        answers.LayerActivityAnswer,
    ),
    _Operation(
        "get",
        "/agreement",
        "agreement",
        "How much the gradients of the minibatches agree at a checkpoint",
        query.AgreementQuery,
        answers.AgreementAnswer,
    ),
    _Operation("get", "/evidence", "claims", "The claims of the text", query.Nothing, answers.ClaimsAnswer),
    _Operation("get", "/evidence/{claim}", "verdict", "Verdict on a claim", query.EvidenceQuery, answers.VerdictAnswer),
    _Operation("get", "/course", "course", "A point over the epochs", query.CourseQuery, answers.CourseAnswer),
    _Operation(
        "get",
        "/units/{run}/{epoch}/{layer}",
        "units",
        "Activity and size of the gradients of one hidden layer's units",
        query.UnitsQuery,
        answers.UnitsAnswer,
    ),
    _Operation(
        "get",
        "/pairs/{run}/{epoch}/{layer}",
        "pairs",
        "Suggested pairs of one hidden layer",
        query.UnitsQuery,
        answers.PairsAnswer,
    ),
    _Operation(
        "get",
        "/cosines/{run}/{epoch}",
        "cosines",
        "Cosines between the gradients of all minibatches at a checkpoint",
        query.CosinesQuery,
        answers.CosinesAnswer,
    ),
    _Operation(
        "get",
        "/minibatches/{run}/{minibatch}",
        "minibatch",
        "Row numbers and targets of a minibatch; as npz with the inputs",
        query.MinibatchQuery,
        answers.MinibatchAnswer,
        forms=("json", "npz"),
        mistakes=(406,),
    ),
    _Operation(
        "get",
        "/landscape",
        "landscape",
        "One gradient landscape",
        query.LandscapeQuery,
        answers.LandscapeAnswer,
        forms=_LANDSCAPE_FORMS,
        mistakes=(406, 409),
    ),
    _Operation(
        "post",
        "/landscape",
        "landscape_of_body",
        "One gradient landscape, asked for in a body",
        query.LandscapeQuery,
        answers.LandscapeAnswer,
        forms=_LANDSCAPE_FORMS,
        mistakes=(406, 409),
    ),
    _Operation("get", "/frames", "frames", _FRAMES, query.FramesQuery, None, forms=("binary",)),
    _Operation("get", "/training", "training", "What is being trained", query.Nothing, answers.TrainingAnswer),
    _Operation(
        "post",
        "/training",
        "train",
        "Starts, stops or starts again the training, or deletes a run",
        query.TrainingAction,
        answers.TrainingAnswer,
    ),
    _Operation(
        "post",
        "/exports",
        "export",
        _EXPORTS,
        query.ExportQuery,
        None,
        forms=("html", "gif", "binary"),
    ),
    _Operation(
        "post",
        "/recipes",
        "recipes",
        "How the numbers of a view are had again: lines for a shell, and Python",
        query.RecipeQuery,
        answers.RecipeAnswer,
    ),
)


@cache
def _document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in _OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gradviz",
            "version": gradviz.__version__,
            "summary": "Gradient landscapes of a network in training.",
            "description": "The requests of the command line, with the same numbers. Unknown keys are refused.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def document() -> dict[str, Any]:
    """The document, a new copy each time."""
    return copy.deepcopy(_document())


def _described(operation: _Operation) -> dict[str, Any]:
    has_body = operation.method == "post"
    codes = {400, 401, 403, 404, 405, 413, 422, 429, 500, 503, *operation.mistakes, *((415,) if has_body else ())}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary.split(":")[0] if len(operation.summary) > 100 else operation.summary,
        "responses": {
            "200": {"description": "The answer.", "headers": _headers(operation), "content": _content(operation)},
            **({} if has_body else {"304": {"description": "Unchanged: the client has it, by its If-None-Match."}}),
            **{str(code): _mistake(code) for code in sorted(codes)},
        },
    }
    if len(operation.summary) > 100:
        described["description"] = operation.summary
    if has_body:
        schema = {"$ref": _REF.format(model=operation.asked.__name__)}
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    else:
        described["parameters"] = list(_parameters(operation))
    return described


def _parameters(operation: _Operation) -> list[dict[str, Any]]:
    schema = _schema_of(operation.asked)
    parameters = []
    for name, of_field in schema.get("properties", {}).items():
        in_path = "{" + name + "}" in operation.path
        parameters.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path or name in schema.get("required", ()),
                "schema": of_field,
            }
        )
    return parameters


def _content(operation: _Operation) -> dict[str, Any]:
    content: dict[str, Any] = {MEDIA_TYPES[form]: {} for form in operation.forms}
    if operation.answer is not None:
        content[JSON] = {"schema": {"$ref": _REF.format(model=operation.answer.__name__)}}
    elif operation.forms == ("json",):
        content[JSON] = {"schema": {"type": "object"}}
    return content


def _headers(operation: _Operation) -> dict[str, Any]:
    if operation.name == "export":
        return {}  # made anew each time, and kept by nobody
    headers = {"ETag": {"description": "For If-None-Match.", "required": True, "schema": {"type": "string"}}}
    if operation.path == "/landscape":
        headers["Content-Location"] = {
            "description": "The address, with its key, whose answer never changes.",
            "required": True,
            "schema": {"type": "string"},
        }
    return headers


def _mistake(code: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=answers.Mistake.__name__)}
    return {"description": _MISTAKES[code], "content": {JSON: {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    modes: dict[type[BaseModel], JsonSchemaMode] = {answers.Mistake: "serialization"}
    modes |= {operation.answer: "serialization" for operation in _OPERATIONS if operation.answer is not None}
    modes |= {operation.asked: "validation" for operation in _OPERATIONS if operation.method == "post"}
    _, schemas = models_json_schema(sorted(modes.items(), key=lambda each: each[0].__name__), ref_template=_REF)
    return {name: _completed(schema) for name, schema in schemas["$defs"].items()}


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return _completed(model.model_json_schema(ref_template=_REF))


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    """With what the validators say, where these are a landscape's fields."""
    properties = schema.get("properties", {})
    if "half_width" in properties:
        for name, said in _SAID_BY_VALIDATORS.items():
            properties[name] |= said
    for of_field in properties.values():
        of_field.pop("title", None)
    return schema
