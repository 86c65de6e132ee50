"""A result as tensors and a text, from which it is read again."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.directions.told import AxisFacts
from gradviz.landscape.paths.grams import Products
from gradviz.landscape.paths.plane import PlaneWays
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import ConditionPaths, PathsResult

_PLANE, _IN_PLANE = "plane", "plane_MTA"
_ARRAYS = ("steps_T", "recorded_T", "recorded_losses_S", "coordinates_MTA", "shares_A")
_FACTS = (
    "optimizer",
    "learning_rate",
    "moments",
    "searched",
    "reproduces",
    "num_parameters",
    "steps_per_epoch",
    "batch_size",
    "start_losses",
    "recorded_losses",
)


def to_tensors(result: PathsResult) -> tuple[dict[str, Tensor], str]:
    """The arrays by name, and everything else as JSON. The same result gives the same bytes."""
    arrays = {name: getattr(result, name) for name in _ARRAYS}
    for each in result.conditions:
        arrays |= {f"{each.condition}.{name}": array for name, array in _arrays_of(each).items()}
    facts: dict[str, Any] = {name: getattr(result, name) for name in _FACTS}
    if result.chosen is not None:
        arrays[_IN_PLANE] = result.chosen.coordinates_MTA
        facts[_PLANE] = {"x": asdict(result.chosen.x), "y": asdict(result.chosen.y)}
    text = json.dumps({"request": result.request.model_dump(mode="json"), **facts}, sort_keys=True)
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}, text


def from_tensors(tensors: Mapping[str, Tensor], text: str) -> PathsResult:
    """The result; ValueError or KeyError if these are not its tensors and text."""
    facts: dict[str, Any] = json.loads(text)
    request = PathsRequest.from_json(json.dumps(facts.pop("request")))
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in tensors.items()}
    for name in ("start_losses", "recorded_losses"):
        facts[name] = tuple(facts[name])
    facts["searched"] = tuple(tuple(each) for each in facts["searched"])

    chosen = None
    if _PLANE in facts:
        x, y = (AxisFacts.from_dict(facts[_PLANE][axis]) for axis in "xy")
        chosen = PlaneWays(x, y, arrays[_IN_PLANE])

    def condition_of(condition: Any) -> ConditionPaths:
        own = {name: arrays[f"{condition}.{name}"] for name in _CONDITION_ARRAYS}
        products = Products(own.pop("deviations_TKK"), own.pop("along_TK"))
        return ConditionPaths(condition=condition, products=products, recorded_T=arrays["recorded_T"], **own)

    return PathsResult(
        request=request,
        conditions=tuple(map(condition_of, request.conditions)),
        **{name: facts[name] for name in _FACTS},
        **{name: arrays[name] for name in _ARRAYS},
        chosen=chosen,
    )


def _arrays_of(each: ConditionPaths) -> dict[str, np.ndarray]:
    products = {"deviations_TKK": each.products.deviations_TKK, "along_TK": each.products.along_TK}
    return products | {name: getattr(each, name) for name in ("losses_KS", "train_losses_K", "test_losses_K")}


_CONDITION_ARRAYS = ("deviations_TKK", "along_TK", "losses_KS", "train_losses_K", "test_losses_K")
