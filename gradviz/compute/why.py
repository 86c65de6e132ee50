"""The question whether the gradient by a parameter is zero, and why."""

import json
from typing import Literal

from gradviz.compute.question import Question, address_of, cost_of_a_pass
from gradviz.compute.study_landscape import REPLAY_VERSION, ROWS_OF_A_STUDY, check_minibatch_size, problem_of
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.replay import Scalar, why_zero
from gradviz.landscape.request import WhyRequest

_PASSES = 30
"""Eight forward and backward passes, most of them in float64."""


class WhyQuestion(Question):
    """What `gradviz why` prints for one parameter; the answer is JSON."""

    kind: Literal["why"] = "why"
    request: WhyRequest

    def key(self, store: RunStore) -> str:
        run = store.any_run(self.request.run)
        if isinstance(run, StudyRun):
            check_minibatch_size(run, self.request.minibatch_size)
        return address_of(self, store, self.request.run, self.request.epoch, REPLAY_VERSION)

    def passes(self, store: RunStore) -> float:
        run = store.any_run(self.request.run)
        return _PASSES * cost_of_a_pass(run, ROWS_OF_A_STUDY)

    def answer(self, bench: Workbench) -> bytes:
        asked = self.request
        problem = problem_of(bench.store.any_run(asked.run), asked, bench.device)
        found = why_zero(problem, Scalar.parse(asked.parameter), half_width=asked.half_width)
        told = {
            "parameter": asked.parameter,
            "is_zero": found.is_zero,
            "sentence": found.sentence,
            "zero_reason": None if found.reason is None else int(found.reason),
            "float32": found.single,
            "float64": found.double,
        }
        return json.dumps(told, allow_nan=False).encode()
