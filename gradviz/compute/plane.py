"""What lies in a plane of directions, as a question; its answer is JSON."""

import json
from dataclasses import asdict
from typing import Literal

from gradviz.compute.directions import sources
from gradviz.compute.estimate import vectors_passes
from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape.directions.marks import marks_of, rays_of
from gradviz.landscape.request import LandscapeRequest

Parts = Literal["all", "axes"]


class PlaneQuestion(Question):
    """The axes of a plane and, of `all` parts, the run's recorded checkpoints in it and the gradients of all
    minibatches."""

    kind: Literal["plane"] = "plane"
    request: LandscapeRequest
    parts: Parts = "all"

    def key(self, store: RunStore) -> str:
        run = store.any_run(self.request.run)
        path = [run.address(epoch) for epoch in run.epochs()]
        return address_of(self, store, self.request.run, self.request.epoch, sources(store, self.request), path)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.request.run)
        own = 6 * run.num_minibatches(self.request.minibatch_size) + 2 * len(run.epochs())
        own = own if self.parts == "all" else 0
        own *= cost_of_a_pass(run, self.request.minibatch_size)
        return own + vectors_passes(store, self.request)

    def answer(self, bench: Workbench) -> bytes:
        spanned = bench.span(self.request)
        told = asdict(spanned.facts())
        if self.parts == "all":
            told |= asdict(marks_of(spanned.where.path, spanned.x, spanned.y))
            told["minibatches"] = [asdict(ray) for ray in rays_of(spanned.where, spanned.x, spanned.y)]
        return json.dumps(
            told | {"request": self.request.model_dump()}, separators=(",", ":"), allow_nan=False
        ).encode()
