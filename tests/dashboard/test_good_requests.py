"""Requests made from the OpenAPI document, narrowed to what the tiny runs have: each is answered with numbers.

They are made when tests are collected, which takes long: `make test` leaves out the file, `make test-slow` has it.
"""

from typing import Any

import pytest
import schemathesis
from flask import Flask

from gradviz.dashboard.openapi import document
from gradviz.evidence.claims import CLAIMS
from tests.dashboard.test_api_fuzz import FUZZ, UNPACKED, config_of, server

__all__ = ["server"]

OF_THE_TINY_RUNS: dict[str, dict[str, Any]] = {
    "run": {"enum": ["none", "dropout", "batchnorm"]},
    "epoch": {"maximum": 2},
    "layer": {"maximum": 2},
    "claim": {"enum": [claim.key for claim in CLAIMS]},
    "x": {"enum": ["hidden.0.linear.bias[0]", "hidden.1.linear.weight[2,3]", "output.bias[0]"]},
    "y": {"enum": ["hidden.1.linear.bias[1]", "hidden.2.linear.bias[4]", "output.weight[0,1]"]},
    "parameter": {"enum": ["hidden.0.linear.bias[0]", "output.weight[0,1]"]},
    "points": {"enum": [3, 5, 7]},
    "part": {"enum": ["model", "hidden.1", "hidden.0.linear.bias", "output"]},
    "num_masks": {"maximum": 3},
    "minibatch": {"maximum": 1},
    "rows": {"enum": ["3,17,20-24"]},
    "minibatch_size": {"minimum": 2, "maximum": 120},
    "expected_key": {"enum": [""]},
    "only": {"enum": ["all", "0", "1,2"]},
    "action": {"enum": ["start", "stop"]},
    "parts": {"enum": ["all", "model", "hidden.1,hidden.1.linear.bias"]},
    "pair": {"enum": ["", "hidden.1.linear.bias[0];hidden.1.linear.weight[2,3]"]},
    "minus": {"enum": [None, 0]},  # one of the panels, of which there may be one alone
    "coarse": {"maximum": 0},  # of planes along directions alone
    "conditions": {"enum": [["order"], ["same", "order"]]},
    "lesson": {"enum": ["arrow", "zero"]},
    "scene": {"enum": ["dead-unit", "dropout-storm"]},
    "condition": {"enum": ["order"]},
    "replicas": {"maximum": 3},
    "replica": {"maximum": 1},
    "row": {"enum": [None]},  # a minibatch has few of all rows
    "start": {"enum": ["0,0", "0.05,-0.02"]},
    "rate": {"enum": [0.01]},
    "steps": {"maximum": 12},
    "step": {"maximum": 3},
    "epochs": {"maximum": 2},
    "optimizer": {"enum": ["own"]},  # for sgd, a rate that matches may have to be searched, and there may be none
    "learning_rate": {"enum": [None]},
    "rate_factor": {"minimum": 0.5, "maximum": 2},
    "camera": {"enum": ["-67.5,36,2.12"]},
    "of": {"enum": [None]},  # where rows do not depend on each other, and no masks are drawn
    "kind": {"enum": ["html"]},  # a gif is drawn for a second
}


def _narrowed(told: dict[str, Any]) -> dict[str, Any]:
    operations = [operation for methods in told["paths"].values() for operation in methods.values()]
    for parameter in [parameter for operation in operations for parameter in operation.get("parameters", ())]:
        _narrow(parameter["name"], parameter["schema"])
    for operation in operations:
        _leave_out_rows(operation)
        _both_axes_or_none(operation)
        if "requestBody" in operation:
            _narrow_members(operation["requestBody"]["content"]["application/json"]["schema"])
    return told


def _leave_out_rows(operation: dict[str, Any]) -> None:
    """Where several minibatches may be asked for, chosen rows are refused, which the document cannot say."""
    parameters = operation.get("parameters", [])
    if "over" in {each["name"] for each in parameters}:
        parameters[:] = [each for each in parameters if each["name"] != "rows"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body.get("properties", {}).get("panels", {}).get("items", {}).get("properties", {}).pop("rows", None)


def _both_axes_or_none(operation: dict[str, Any]) -> None:
    """Where a plane may be named, one axis alone is refused, which the document cannot say: both in a query, none in a
    body."""
    for parameter in operation.get("parameters", ()):
        parameter["required"] = parameter.get("required", False) or parameter["name"] in ("x", "y")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for name in {"x", "y"} - set(body.get("required", ())):
        body.get("properties", {}).pop(name, None)


def _narrow(name: str, schema: dict[str, Any]) -> None:
    """Of values that the document lists, those that fit."""
    listed = schema.get("enum")
    schema |= OF_THE_TINY_RUNS.get(name, {})
    if listed is not None:
        schema["enum"] = [value for value in listed if value in schema["enum"]]


def _narrow_members(schema: dict[str, Any]) -> None:
    for name, of_field in schema.get("properties", {}).items():
        _narrow(name, of_field)
        _narrow_members(of_field.get("items", {}))


NARROWED = schemathesis.openapi.from_dict(_narrowed(document()), config=config_of(schemathesis.GenerationMode.POSITIVE))


@pytest.mark.slow
@NARROWED.parametrize()
@FUZZ
def test_every_good_request_is_answered(case: schemathesis.Case, server: Flask) -> None:
    case.call_and_validate(app=server, headers=UNPACKED)
