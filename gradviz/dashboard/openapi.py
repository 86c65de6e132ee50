"""The OpenAPI 3.1 document of the HTTP API, from the models that check its requests and describe its answers."""

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import gradviz
from gradviz.dashboard import (
    answers,
    evidence_api,
    export_api,
    influence_api,
    kinks_api,
    landscape_api,
    lessons_api,
    paths_api,
    plane_api,
    probe_api,
    query,
    row_fields_api,
    row_list_api,
    runs_api,
    scenes_api,
    statistics_api,
    why_api,
)
from gradviz.dashboard.routes import PREFIX, Operation, Served
from gradviz.dashboard.sending import JSON, MEDIA_TYPES, sent_json
from gradviz.landscape.request import MAX_POINTS

_REF = "#/components/schemas/{model}"

_AXIS = r"^[^\s\[\],;]{1,200}(\[[0-9]{1,9}(,[0-9]{1,9}){0,15}\])?$"
_NAMES = ["hidden.1.linear.bias[0]", "hidden.2.linear.weight[3,17]", "hidden.1.norm.weight[5]", "conv1.weight[3,0,1,2]"]
_EXAMPLES = [*_NAMES, "gradient:0", "random:7@hidden.1", "towards:none/30"]
_SAID_BY_VALIDATORS: dict[str, dict[str, Any]] = {
    "x": {
        "pattern": _AXIS,
        "description": "a parameter, by its name and index, or a direction",
        "examples": _EXAMPLES,
    },
    "y": {"pattern": _AXIS, "description": "another one", "examples": _EXAMPLES},
    "points": {
        "minimum": 3,
        "maximum": MAX_POINTS,
        "not": {"multipleOf": 2},
        "description": "grid points per side, odd",
    },
}
"""Constraints on fields of a landscape's request that validators check and JSON Schema cannot express."""
_PARAMETER: dict[str, dict[str, Any]] = {
    "parameter": {"pattern": _AXIS, "description": "a parameter, by its name and index", "examples": _NAMES}
}
"""The same for the request about one parameter."""

_MISTAKES = {
    400: "The Host header is invalid, the Content-Length is not a number, or the query is not UTF-8.",
    401: "The password (HTTP Basic) is missing or wrong.",
    403: "The request comes from another site's page, or names another host (GRADVIZ_ALLOWED_HOSTS).",
    404: "The address is unknown.",
    405: "This address does not have this method.",
    406: "The Accept header names no form that this address offers.",
    409: "The checkpoint has changed since this key.",
    413: f"The body is larger than {query.MAX_BODY_BYTES // 1024} kB.",
    415: "The body is not declared as application/json.",
    429: "Too many wrong passwords from this address (Retry-After says how long to wait), too many exports at once, "
    "or another job of paths under way.",
    422: "A value is unusable or missing, or a key is unknown.",
    503: "The compute workers are busy or away: {error} says which, Retry-After when to retry.",
    500: "Internal error; see the server log.",
}


def openapi(served: Served) -> Response:
    return sent_json(document())


OPERATIONS = (
    Operation("get", "/openapi.json", openapi, "This document"),
    *runs_api.OPERATIONS,
    *landscape_api.OPERATIONS,
    *row_fields_api.OPERATIONS,
    *plane_api.OPERATIONS,
    *probe_api.OPERATIONS,
    *statistics_api.OPERATIONS,
    *row_list_api.OPERATIONS,
    *influence_api.OPERATIONS,
    *paths_api.OPERATIONS,
    *why_api.OPERATIONS,
    *kinks_api.OPERATIONS,
    *scenes_api.OPERATIONS,
    *evidence_api.OPERATIONS,
    *lessons_api.OPERATIONS,
    *export_api.OPERATIONS,
)
"""All operations of the API."""


@cache
def _document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gradviz",
            "version": gradviz.__version__,
            "summary": "Gradient landscapes of a network in training.",
            "description": "The requests of the command line, with the same numbers. Unknown keys are errors.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "../../"}],  # relative to the document: below any prefix
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


def document() -> dict[str, Any]:
    """The document, a new copy each time."""
    return copy.deepcopy(_document())


def _described(operation: Operation) -> dict[str, Any]:
    has_body = operation.method == "post"
    codes = {400, 401, 403, 404, 405, 413, 422, 429, 500, 503, *operation.mistakes, *((415,) if has_body else ())}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary.split(":")[0] if len(operation.summary) > 100 else operation.summary,
        "responses": {
            "200": {"description": "The answer.", "headers": _headers(operation), "content": _content(operation)},
            **({} if has_body else {"304": {"description": "Unchanged: the client has the answer (If-None-Match)."}}),
            **{str(code): _mistake(code) for code in sorted(codes)},
        },
    }
    if len(operation.summary) > 100:
        described["description"] = operation.summary
    if has_body:
        schema = _schema_of(operation.asked)
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    else:
        described["parameters"] = list(_parameters(operation))
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
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
                **({"style": "form", "explode": False} if of_field.get("type") == "array" else {}),
            }
        )
    return parameters


def _content(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {MEDIA_TYPES[form]: {} for form in operation.forms}
    if operation.answer is not None:
        content[JSON] = {"schema": {"$ref": _REF.format(model=operation.answer.__name__)}}
    elif operation.forms == ("json",):
        content[JSON] = {"schema": {"type": "object"}}
    return content


def _headers(operation: Operation) -> dict[str, Any]:
    if operation.handle is export_api.export:
        return {}  # made anew each time, and never cached
    headers = {"ETag": {"description": "For If-None-Match.", "required": True, "schema": {"type": "string"}}}
    if operation.path == "/landscape":
        headers["Content-Location"] = {
            "description": "An address with a key, whose answer never changes.",
            "required": True,
            "schema": {"type": "string"},
        }
    return headers


def _mistake(code: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=answers.Mistake.__name__)}
    return {"description": _MISTAKES[code], "content": {JSON: {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    modes: dict[type[BaseModel], JsonSchemaMode] = {answers.Mistake: "serialization"}
    modes |= {operation.answer: "serialization" for operation in OPERATIONS if operation.answer is not None}
    _, schemas = models_json_schema(sorted(modes.items(), key=lambda each: each[0].__name__), ref_template=_REF)
    return {name: _completed(schema) for name, schema in schemas["$defs"].items()}


def _schema_of(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """An object with the members of all these models, without references."""
    parts = [model.model_json_schema(ref_template=_REF) for model in models]
    told = {_REF.format(model=name): of for part in parts for name, of in part.get("$defs", {}).items()}
    parts = [_completed(_inlined(part, told)) for part in parts]
    return {
        "type": "object",
        "properties": {name: of_field for part in parts for name, of_field in part.get("properties", {}).items()},
        "required": [name for part in parts for name in part.get("required", ())],
        "additionalProperties": False,
    }


def _inlined(value: Any, told: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_inlined(each, told) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _completed(_inlined(told[value["$ref"]], told))
    return {key: _inlined(each, told) for key, each in value.items() if key != "$defs"}


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    """Adds the validators' constraints if these are a landscape's fields, or name a parameter."""
    properties = schema.get("properties", {})
    for constraints in (_SAID_BY_VALIDATORS, _PARAMETER):
        if constraints.keys() | {"half_width"} <= properties.keys():
            for name, said in constraints.items():
                properties[name] |= said
    for of_field in properties.values():
        of_field.pop("title", None)
    return schema
