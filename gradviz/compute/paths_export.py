"""Paths as files of numbers: json and npz."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np

from gradviz.compute.export import npz_bytes
from gradviz.errors import UserError
from gradviz.landscape.field import json_number
from gradviz.landscape.paths.answer import to_tensors
from gradviz.landscape.paths.request import WORDS
from gradviz.landscape.paths.result import ConditionPaths, PathsResult
from gradviz.landscape.statistics.bootstrap import Estimate

PATHS_SUFFIXES = (".json", ".npz")


def paths_bytes(result: PathsResult, suffix: str) -> bytes:
    """The content of a file with this suffix, one of PATHS_SUFFIXES."""
    if suffix not in PATHS_SUFFIXES:
        raise UserError(f"A file of paths must end in {', '.join(PATHS_SUFFIXES)}, got {suffix!r}.")
    if suffix == ".json":
        return (json.dumps(paths_told(result), allow_nan=False) + "\n").encode()
    tensors, text = to_tensors(result)
    return npz_bytes({name: tensor.numpy() for name, tensor in tensors.items()} | {"told": np.array(text)})


def paths_told(result: PathsResult, *, with_minibatch_losses: bool = True) -> dict[str, object]:
    """Everything about the paths as plain JSON. `ratio` is `spread` over `step`, `ratio_low` and `ratio_high` its 95 %
    interval; all four along `steps`. `way`: in the plane that is asked for, with a point for the checkpoint before
    others; `within`: of the squared length of the way to its end, the share that lies in that plane.
    `with_minibatch_losses`: also those of every single step, which are most of the numbers of a long way."""
    request = result.request

    def of_steps(losses: np.ndarray) -> dict[str, object]:
        return {"minibatch_losses": losses.tolist()} if with_minibatch_losses else {}

    ways, shares = iter(result.shown_MTA), iter(result.within_M.tolist())
    chosen = result.chosen

    def way() -> list[list[float]]:
        coordinates_TA = next(ways)
        return [[0.0] * coordinates_TA.shape[1], *coordinates_TA.tolist()]

    return {
        "request": request.model_dump(mode="json"),
        "optimizer": result.optimizer,
        "learning_rate": result.learning_rate,
        "moments": result.moments,
        "searched": [
            {"rate": rate, "train_loss": loss if math.isfinite(loss) else None} for rate, loss in result.searched
        ],
        "reproduces": result.reproduces,
        "num_parameters": result.num_parameters,
        "steps_per_epoch": result.steps_per_epoch,
        "batch_size": result.batch_size,
        "start": _losses(result.start_losses),
        "steps": result.steps_T.tolist(),
        "plane": {
            "axes": None if chosen is None else {"x": asdict(chosen.x), "y": asdict(chosen.y)},
            "shares": result.shares_A.tolist() if chosen is None else [],
        },
        "recorded": {
            "step": np.sqrt(result.recorded_T).tolist(),
            **of_steps(result.recorded_losses_S),
            **_losses(result.recorded_losses),
            "way": way(),
            "within": json_number(next(shares)),
        },
        "conditions": {
            each.condition: _condition(each, request.seed, way, shares) | of_steps(each.losses_KS)
            for each in result.conditions
        },
    }


def ratios(each: ConditionPaths, seed: int) -> list[Estimate | None]:
    """Spread over mean step with intervals, the same whenever they are asked for."""
    return each.ratios(np.random.default_rng(seed))


def _condition(
    each: ConditionPaths, seed: int, way: Callable[[], list[list[float]]], shares: Iterator[float]
) -> dict[str, object]:
    intervals = ratios(each, seed)
    return {
        "words": WORDS[each.condition],
        "replicas": each.num_replicas,
        "spread": each.spread_T.tolist(),
        "step": each.step_T.tolist(),
        "ratio": [json_number(value) for value in each.ratio_T.tolist()],
        "ratio_low": [None if one is None else json_number(one.low) for one in intervals],
        "ratio_high": [None if one is None else json_number(one.high) for one in intervals],
        "cosine": [json_number(value) for value in each.cosine_T.tolist()],
        "cosines": [[json_number(value) for value in row] for row in each.cosines_TKK[-1].tolist()],
        "train_losses": each.train_losses_K.tolist(),
        "test_losses": each.test_losses_K.tolist(),
        "ways": [way() for _ in range(each.num_replicas)],
        "within": [json_number(next(shares)) for _ in range(each.num_replicas)],
    }


def _losses(losses: tuple[float, float]) -> dict[str, float]:
    return {"train_loss": losses[0], "test_loss": losses[1]}
