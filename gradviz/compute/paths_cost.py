"""What paths cost before they are computed, and how much of it one job of a server may take."""

from dataclasses import dataclass

from gradviz.experiment.continuation import Continuation
from gradviz.landscape.paths.measuring import needed_bytes
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.schedule import usual_points

MOST_EPOCHS = 128
"""Epochs of training that one job of a server may take, all replicas together."""

_CACHES = 2  # times the size of the cache: what a job may take on disk until it has ended
_SEARCHED = 8  # rates that the search for SGD's tries, about


@dataclass(frozen=True)
class PathsCost:
    """`epochs`: of training, of all replicas and of the run's own path; `before`: about, to find the optimizer's state
    or rate; `steps`: of one replica; `num_bytes`: on disk, until the paths are compared."""

    epochs: int
    before: int
    steps: int
    num_bytes: int


def cost_of(run: Continuation, request: PathsRequest) -> PathsCost:
    """Without training anything."""
    trainings = 1 + sum(map(request.num_replicas, request.conditions))
    return PathsCost(
        trainings * request.epochs,
        _before(run, request),
        request.epochs * len(run.minibatches(1)),
        needed_bytes(run, request),
    )


def refusal_of(cost: PathsCost, cache_bytes: int) -> str:
    """Why no server with a cache of this size computes this; empty if it does."""
    epochs, limit = cost.epochs + cost.before, _CACHES * cache_bytes
    if epochs > MOST_EPOCHS:
        return (
            f"These paths take {epochs} epochs of training, and a server takes {MOST_EPOCHS} at most: choose fewer "
            "replicas, conditions or epochs, or use `gradviz paths`."
        )
    if cost.num_bytes > limit:
        return (
            f"These paths need {cost.num_bytes / 1e9:.1f} GB on disk until they are compared, and a server takes "
            f"{limit / 1e9:.1f} GB at most: choose fewer points, replicas or conditions, or raise GRADVIZ_CACHE_BYTES."
        )
    return ""


def answer_bytes(request: PathsRequest, cost: PathsCost) -> int:
    """Of the answer's numbers, of 8 bytes each: inner products of pairs, losses, and the ways."""
    points = min(cost.steps, request.points or usual_points(1))
    replicas = [request.num_replicas(condition) for condition in request.conditions]
    of_each = sum(points * (many + 3) + cost.steps + 2 for many in replicas for _ in range(many))
    return 8 * (of_each + cost.steps + 4 * points + 2)


def _before(run: Continuation, request: PathsRequest) -> int:
    if request.searches_rate:
        return _SEARCHED * request.epochs
    has_moments = request.optimizer == "own" and request.epoch > 0 and bool(run.moment_shapes())
    # A run saves them for its last epoch.
    return request.epoch if has_moments and request.epoch != max(run.epochs(), default=0) else 0
