"""Paths of SGD on the plane of a picture, from a point of it, as a question; its answer is JSON."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Literal

from pydantic import Field, field_validator

from gradviz.compute.directions import sources
from gradviz.compute.estimate import cost_of_a_point, vectors_passes
from gradviz.compute.question import Question, address_of
from gradviz.compute.study_landscape import REPLAY_VERSION, batch_of, check_minibatch_size, problem_of
from gradviz.compute.workbench import Workbench, draws_masks
from gradviz.experiment.batches import num_rows
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.network import Network, check_spec, parameter_shapes
from gradviz.landscape.probe import DEFAULT_STEPS, MOST_STEPS, SCHEDULES, Slopes, line_up, probe
from gradviz.landscape.probe_slopes import ByLoop, products_of_a_row
from gradviz.landscape.probe_words import path_line, path_name, probe_sentences
from gradviz.landscape.replay import Plane, Scalar
from gradviz.landscape.request import Atom, LandscapeRequest, LandscapeSpec

PROBE_VERSION = 2
"""Part of every key: raise it whenever the same question gets different numbers."""

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

DEFAULT_START = "0.5,0.5"
"""In half widths from the checkpoint."""

FEWEST, MOST, MOST_COUPLED = 4, 24, 8
"""Minibatches that stand for all rows, as far as there are so many; coupled ones are evaluated one after the other."""
_PRODUCTS_OF_A_STEP = 3e8
"""Multiplications that all rows may take for each step; there are fewer minibatches where they would take more."""
_PASSES_OF_A_STEP = 4.0
"""The same for networks that are not the built-in one, in the unit of `Question.passes`."""
_PASSES = 5.0  # forward and backward, and the moved weights
_LEAST_OF_A_LOOP = 0.3


def start_text(text: str) -> str:
    """The one text of a start in half widths from the checkpoint; `ValueError` unless it lies within the picture."""
    match = re.fullmatch(f"({_NUMBER}),({_NUMBER})", text)
    shares = [float(match[1]), float(match[4])] if match else []
    if not shares or not all(abs(share) <= 1 for share in shares):
        raise ValueError(f"`start` must be two numbers from -1 to 1, such as 0.5,-0.25, got {text[:40]}.")
    x, y = (f"{round(share, 4) + 0.0:g}" for share in shares)
    return f"{x},{y}"


class ProbeSettings(Atom):
    """Where paths begin, and how they go on."""

    start: str = Field(
        default="0,0",
        max_length=60,
        pattern=f"^{_NUMBER},{_NUMBER}$",
        description="offsets from the checkpoint along x and y, within 10 half widths",
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        le=1e12,
        description="what the gradient is multiplied by; without one, that with which the longest first step is 0.05 "
        "half widths long",
    )
    steps: int = Field(default=DEFAULT_STEPS, ge=1, le=MOST_STEPS)

    @field_validator("start")
    @classmethod
    def _finite(cls, start: str) -> str:
        x, y = map(float, start.split(","))
        if not math.isfinite(x + y):
            raise ValueError(f"`start` must be two finite numbers, got {start}.")
        return f"{x + 0.0!r},{y + 0.0!r}"  # no minus before a zero

    @classmethod
    def of_view(cls, start: str, half_width: float, rate: float | None, steps: int) -> "ProbeSettings":
        """Those of a view, whose `start` is in half widths (`start_text`)."""
        x, y = (half_width * float(share) for share in start.split(","))
        return cls.of(start=f"{x!r},{y!r}", rate=rate, steps=steps)

    @property
    def point(self) -> tuple[float, float]:
        x, y = map(float, self.start.split(","))
        return x, y


class ProbeQuestion(Question):
    """The paths under this minibatch, the next one, both in turn, and all rows."""

    kind: Literal["probe"] = "probe"
    request: LandscapeRequest
    settings: ProbeSettings = ProbeSettings()

    def key(self, store: RunStore) -> str:
        asked = self.request
        run = store.any_run(asked.run)
        if isinstance(run, StudyRun) and asked.rows is None:
            check_minibatch_size(run, asked.minibatch_size)
        made_from = sources(store, asked) if asked.has_directions else ""
        return address_of(self, store, asked.run, asked.epoch, PROBE_VERSION, REPLAY_VERSION, made_from)

    def passes(self, store: RunStore) -> float:
        asked, steps = self.request, self.settings.steps
        run = store.any_run(asked.run)
        own = cost_of_a_point(run, asked.minibatch_size)
        if isinstance(run, Run) and not asked.has_directions:
            each = own if asked.masks == "fresh" and draws_masks(run, asked) else 0.1 * own
            return own * MOST + each * steps * FEWEST
        each = (FEWEST + _most_by_loop(run, asked)) * (_LEAST_OF_A_LOOP + _PASSES * own)
        return each * steps * _num_sets(asked, run) + (vectors_passes(store, asked) if asked.has_directions else 0.0)

    def answer(self, bench: Workbench) -> bytes:
        asked, settings = self.request, self.settings
        run = bench.store.any_run(asked.run)
        there = run.num_minibatches(asked.minibatch_size)
        by_engine = isinstance(run, Run) and not asked.has_directions
        network = bench.network(asked.run, asked.epoch) if by_engine else None
        most = (
            _most_by_loop(run, asked) if network is None else most_together(network, asked.spec(), asked.minibatch_size)
        )
        everything = spread_over(there, most)
        following = following_of(asked, there)
        line = line_up(asked, following, [asked.of_minibatch(k) for k in everything])
        rows, slopes = self._by_engine(bench, line) if by_engine else self._by_loop(bench, run, line)
        found = probe(
            slopes,
            len(everything),
            settings.point,
            asked.half_width,
            rate=settings.rate,
            steps=settings.steps,
            schedules=SCHEDULES if following != asked else ("this",),
        )
        if asked.rows is None:
            names = f"this minibatch ({asked.minibatch})", f"the next one ({following.minibatch})"
        else:
            names = asked.minibatch_words, following.minibatch_words
        told = {
            "request": asked.model_dump(),
            "start": list(settings.point),
            "rate": found.rate,
            "default_rate": found.default_rate,
            "steps": found.steps,
            "is_flat": found.is_flat,
            "start_loss": found.start_loss,
            "minibatches": list(everything),
            "num_minibatches": there,
            "method": "engine" if by_engine else "loop",
            "paths": [
                asdict(path)
                | {
                    "name": path_name(path.schedule, *names),
                    "line": path_line(path, found.start_loss, asked.half_width),
                }
                for path in found.paths
            ],
            "sentences": probe_sentences(
                found,
                asked,
                (len(everything), sum(rows[-len(everything) :]), there),
                draws_masks=draws_masks(run, asked),
                has_statistics=_is_coupled(run, asked),
            ),
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    def _by_engine(self, bench: Workbench, line: Sequence[LandscapeRequest]) -> tuple[list[int], Slopes]:
        """The rows of each minibatch of the line-up, and their slopes."""
        spec = self.request.spec()
        together = bench.together(line)
        check_spec(parameter_shapes(together.network), spec)
        return together.sizes, partial(together.at, spec.refs)

    def _by_loop(
        self, bench: Workbench, run: Run | StudyRun, line: Sequence[LandscapeRequest]
    ) -> tuple[list[int], Slopes]:
        """The same for any network and plane."""
        asked = self.request
        grid = asked.half_width, asked.points
        if asked.has_directions:
            own = bench.span(asked)
            problem, plane = own.problem, Plane(own.x, own.y, *grid)
        else:
            problem = problem_of(run, asked, bench.device)
            plane = Plane(Scalar.parse(asked.x), Scalar.parse(asked.y), *grid)
        distinct = {each: replace(problem, batch=batch_of(run, each, bench.device)) for each in dict.fromkeys(line)}
        problems = [distinct[each] for each in line]
        return [num_rows(each.batch) for each in problems], ByLoop(problems, plane)


def following_of(asked: LandscapeRequest, there: int) -> LandscapeRequest:
    """The request of the next of so many minibatches; after the last one, and after chosen rows, comes the first."""
    return asked.of_minibatch((asked.minibatch + 1) % max(1, there) if asked.rows is None else 0)


def spread_over(there: int, most: int) -> list[int]:
    """So many of the minibatches at most, at even distances, or all."""
    many = max(1, min(there, most))
    return [k * there // many for k in range(many)]


def most_together(network: Network, spec: LandscapeSpec, size: int) -> int:
    """How many minibatches of this size stand for all rows of the built-in network, so that a step stays quick."""
    draws = spec.mode == "train" and network.draws_masks
    each = products_of_a_row(network, spec.refs, whole=draws and spec.masks == "fresh") * size
    each *= spec.num_masks if draws and spec.masks == "averaged" else 1
    most = MOST_COUPLED if spec.mode == "train" and network.has_norm else MOST
    return max(FEWEST, min(most, int(_PRODUCTS_OF_A_STEP / max(1.0, each))))


def _most_by_loop(run: Run | StudyRun, asked: LandscapeRequest) -> int:
    own = (_LEAST_OF_A_LOOP + _PASSES * cost_of_a_point(run, asked.minibatch_size)) * _num_sets(asked, run)
    return max(FEWEST, min(MOST, int(_PASSES_OF_A_STEP / own)))


def _is_coupled(run: Run | StudyRun, asked: LandscapeRequest) -> bool:
    """Whether batch statistics tie the rows of a minibatch together."""
    return asked.mode == "train" and run.capabilities.has_batch_statistics


def _num_sets(asked: LandscapeRequest, run: Run | StudyRun) -> int:
    return asked.num_masks if asked.masks == "averaged" and draws_masks(run, asked) else 1
