"""The paths of replicas as the claims on order and composition read them: spread over the length of the way, controls.

They are measured by `gradviz paths`, which takes about as long as 35 epochs of training, and read where it has kept
them: no claim starts that by itself.
"""

# Shape suffixes: T = points along the epoch.

import shlex
from collections.abc import Callable

import numpy as np

from gradviz.evidence.agreeing import bootstrap, estimate_of
from gradviz.evidence.controls import ConditionSpread, PathsFound, PathsOptimizer
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import PathsResult

OPTIMIZERS: tuple[PathsOptimizer, ...] = ("own", "sgd")
CONDITIONS: tuple[Condition, ...] = ("same", "order", "composition", "resampled", "rows")

KeptPaths = Callable[[PathsRequest], PathsResult | None]
"""Finds paths that were measured; None if they were not."""


def nothing_kept(request: PathsRequest) -> None:
    """Where nobody has measured paths."""


def paths_request(run: str, epoch: int, optimizer: PathsOptimizer) -> PathsRequest:
    """The paths that the claims read."""
    return PathsRequest.of(run=run, epoch=epoch, conditions=CONDITIONS, optimizer=optimizer)


def command_of(request: PathsRequest) -> str:
    """The command line that measures them."""
    words = ["gradviz", "paths", "--run", request.run, "--epoch", str(request.epoch)]
    words += ["--conditions", ",".join(request.conditions)]
    return shlex.join([*words, *(["--optimizer", request.optimizer] if request.optimizer != "own" else [])])


def paths_found(request: PathsRequest, found: PathsResult) -> PathsFound:
    """The numbers of some paths."""
    return PathsFound(
        run=request.run,
        epoch=request.epoch,
        by=request.optimizer,
        optimizer=found.optimizer,
        learning_rate=found.learning_rate,
        steps=tuple(found.steps_T.tolist()),
        conditions=tuple(_spread(found, condition) for condition in request.conditions),
    )


def _spread(found: PathsResult, condition: Condition) -> ConditionSpread:
    own = found.of(condition)
    return ConditionSpread(
        condition=condition,
        num_replicas=own.num_replicas,
        ratios=tuple(map(estimate_of, own.ratios(bootstrap()))),
        largest_spread=float(np.max(own.spread_T)),
    )
