"""Paths of SGD on the plane of a picture, from a point of it, as a question; its answer is JSON."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import Literal

from gradviz.compute.directions import direction_sources
from gradviz.compute.estimate import vectors_passes
from gradviz.compute.probe_minibatches import (
    following_of,
    most_by_loop,
    most_together,
    passes_by_engine,
    passes_by_loop,
    spread_over,
)
from gradviz.compute.probe_settings import ProbeSettings
from gradviz.compute.question import Question, address_of
from gradviz.compute.study_landscape import REPLAY_VERSION, batch_of, check_minibatch_size
from gradviz.compute.workbench import Workbench, draws_masks
from gradviz.experiment.batches import num_rows
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.network import check_spec, parameter_shapes
from gradviz.landscape.probe import SCHEDULES, Slopes, line_up, probe
from gradviz.landscape.probe_by_loop import ByLoop
from gradviz.landscape.probe_words import path_line, path_name, probe_sentences
from gradviz.landscape.request import LandscapeRequest

PROBE_VERSION = 2
"""Part of every key: raise it whenever the same question gets different numbers."""


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
        made_from = direction_sources(store, asked)
        return address_of(self, store, asked.run, asked.epoch, PROBE_VERSION, REPLAY_VERSION, *made_from)

    def passes(self, store: RunStore) -> float:
        asked, steps = self.request, self.settings.steps
        run = store.any_run(asked.run)
        if isinstance(run, Run) and not asked.has_directions:
            return passes_by_engine(run, asked, steps)
        return passes_by_loop(run, asked, steps) + (vectors_passes(store, asked) if asked.has_directions else 0.0)

    def answer(self, bench: Workbench) -> bytes:
        asked, settings = self.request, self.settings
        run = bench.store.any_run(asked.run)
        there = run.num_minibatches(asked.minibatch_size)
        by_engine = isinstance(run, Run) and not asked.has_directions
        network = bench.network(asked.run, asked.epoch) if by_engine else None
        most = (
            most_by_loop(run, asked) if network is None else most_together(network, asked.spec(), asked.minibatch_size)
        )
        everything = spread_over(there, most)
        following = following_of(asked, there)
        line = line_up(asked, following, [asked.of_minibatch(k) for k in everything])
        with self._by_engine(bench, line) if by_engine else self._by_loop(bench, run, line) as (rows, slopes):
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
                has_statistics=run.capabilities.couples_rows_in(asked.mode),
            ),
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    @contextmanager
    def _by_engine(self, bench: Workbench, line: Sequence[LandscapeRequest]) -> Iterator[tuple[list[int], Slopes]]:
        """The rows of each minibatch of the line-up, and their slopes."""
        spec = self.request.spec()
        with bench.together(line) as together:
            check_spec(parameter_shapes(together.network), spec)
            yield together.sizes, partial(together.at, spec.refs)

    @contextmanager
    def _by_loop(
        self, bench: Workbench, run: Run | StudyRun, line: Sequence[LandscapeRequest]
    ) -> Iterator[tuple[list[int], Slopes]]:
        """The same for any network and plane."""
        problem, plane = bench.problem(self.request)
        distinct = {each: replace(problem, batch=batch_of(run, each, bench.device)) for each in dict.fromkeys(line)}
        problems = [distinct[each] for each in line]
        yield [num_rows(each.batch) for each in problems], ByLoop(problems, plane)
