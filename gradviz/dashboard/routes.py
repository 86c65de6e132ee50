"""Routes of the HTTP API: one declaration of an operation gives its handler, checks and description."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.compute.trainer import Trainer
from gradviz.dashboard.connection import still_connected
from gradviz.dashboard.discretion import Discretion
from gradviz.dashboard.kept import Kept
from gradviz.dashboard.places import Places
from gradviz.dashboard.query import from_arguments, from_body, json_body
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

PREFIX = "/api/v1"
EXPORTS_AT_ONCE = 2
"""Exports that one server process runs at a time; each holds one of its threads."""


@dataclass(frozen=True)
class Served:
    """Everything a server answers from; handlers hold no other state."""

    settings: Settings
    compute: Compute
    store: RunStore
    trainer: Trainer
    paths: PathsJobs
    texts: Kept = field(default_factory=Kept)
    """Landscapes as text, which take longer to write than to compute."""
    export_places: Places = field(default_factory=lambda: Places(EXPORTS_AT_ONCE))

    @property
    def still_wanted(self) -> StillWanted:
        """Whether the client of the current request is still connected."""
        return still_connected(request.environ)

    def told(self, message: str) -> str:
        """A message without what visitors must not read."""
        return self._discretion.told(message)

    @cached_property
    def _discretion(self) -> Discretion:
        return Discretion.of(self.settings)


@dataclass(frozen=True)
class Operation:
    """One method at one address.

    `handle(served, *asked)` answers, given one value for each model of `asked`, which together name the arguments of
    the path and the query, or the members of a POST's body. `answer`: the model of the JSON answer; `forms`: the
    formats of the answer; `mistakes`: error statuses that not every operation has.
    """

    method: Literal["get", "post"]
    path: str
    handle: Callable[..., Response]
    summary: str
    asked: tuple[type[BaseModel], ...] = ()
    answer: type[BaseModel] | None = None
    forms: tuple[str, ...] = ("json",)
    mistakes: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.handle.__name__


def add(api: Blueprint, served: Served, operation: Operation) -> None:
    """Adds the operation at its address."""

    def view(**path: str) -> Response:
        if operation.method == "post":
            from_arguments((), request.args)
            asked: tuple[Any, ...] = from_body(operation.asked, json_body())
        else:
            asked = from_arguments(operation.asked, request.args, **path)
        return operation.handle(served, *asked)

    rule = operation.path.replace("{", "<").replace("}", ">")
    api.add_url_rule(rule, operation.name, view, methods=[operation.method.upper()])
