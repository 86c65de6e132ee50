"""Workers give the answers that this process would give, each computed once."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.all_rows import AllRowsQuestion, AllRowsRequest
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.celery.names import BATCH
from gradviz.compute.cosines import CosinesQuestion
from gradviz.compute.evidence import LoopQuestion, PartQuestion
from gradviz.compute.found_rows import FoundRowsQuestion
from gradviz.compute.influence import InfluenceQuestion, InfluenceRequest
from gradviz.compute.interface import Compute, Load
from gradviz.compute.kinds import ActivityQuestion, AnyQuestion, CoarseQuestion, LandscapeQuestion
from gradviz.compute.kinks import KinksQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.measures import MeasuresQuestion, MeasuresRequest
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.probe import ProbeQuestion
from gradviz.compute.probe_settings import ProbeSettings
from gradviz.compute.question import Question
from gradviz.compute.row_fields import RowFieldsQuestion
from gradviz.compute.row_list import RowsQuestion
from gradviz.compute.sampling import SamplingQuestion, SamplingRequest
from gradviz.compute.step_landscape import StepLandscapeQuestion
from gradviz.compute.units import PairsQuestion, UnitsQuestion
from gradviz.compute.why import WhyQuestion
from gradviz.dashboard.evidence_api import told as evidence_of
from gradviz.errors import UserError
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.paths.request import PathsRequest, PathsStep
from gradviz.landscape.request import TwoParameters, WhyRequest
from tests.compute.celery.conftest import Ask, MakeSettings, environment_of, question
from tests.compute.celery.in_thread import worker_of
from tests.compute.celery.running import NOTED, PATIENCE_SECONDS, WAITS, Notes, until

pytestmark = pytest.mark.usefixtures("worker")
EVAL = LandscapeRequest.of(run="none", epoch=1, x="hidden.1.linear.bias[0]", y="hidden.2.linear.weight[1,2]", points=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"run": "none", "mode": "eval"},
        {"run": "dropout", "masks": "fresh"},
        {"run": "dropout", "masks": "averaged", "num_masks": 3},
        {"run": "batchnorm", "x": "hidden.1.norm.bias[0]"},
        {"minibatch": 2, "minibatch_size": 16, "points": 7},
    ],
    ids=str,
)
def test_a_landscape_is_the_same_bytes(compute: CeleryCompute, local: LocalCompute, changes: dict[str, Any]):
    asked = question(0, **changes)
    assert compute.ask(asked) == local.ask(asked)


OTHER_KINDS: list[Question] = [
    ActivityQuestion(run="batchnorm", epoch=2),
    AgreementQuestion(request=AgreementRequest.of(run="dropout", epoch=1, minibatch_size=16, mode="train")),
    UnitsQuestion(run="batchnorm", epoch=2, layer=1, minibatch_size=16, mode="train"),
    PairsQuestion(run="none", epoch=1, layer=1, minibatch_size=16),
    CosinesQuestion(run="dropout", epoch=2, part="hidden.1", minibatch_size=16, mode="train", masks="frozen"),
    PartQuestion(part="checkpoint", run="none", epoch=1),
    LoopQuestion(request=EVAL, precision="float64"),
    WhyQuestion(request=WhyRequest.of(run="batchnorm", epoch=1, parameter="hidden.1.linear.bias[0]")),
    MeasuresQuestion(request=MeasuresRequest.of(run="none", epoch=1, minibatch_size=16, part="hidden.1")),
    SamplingQuestion(request=SamplingRequest.of(run="none", epoch=1, minibatch_size=16, x=EVAL.x, y=EVAL.y)),
    InfluenceQuestion(request=InfluenceRequest.of(run="none", epoch=1, minibatch_size=16, part="model")),
    RowsQuestion(request=EVAL),
    AllRowsQuestion(request=AllRowsRequest.of(run="none", epoch=1, part="hidden.1", x=EVAL.x, y=EVAL.y)),
    FoundRowsQuestion(run="none", text="2"),
    RowFieldsQuestion(request=EVAL, of=(3, 5, 6, 7)),
    StepLandscapeQuestion(
        request=PathsRequest.of(run="none", epoch=1),
        at=PathsStep.of(condition="order", replica=1, step=2),
        plane=TwoParameters.of(x=EVAL.x, y=EVAL.y),
    ),
    KinksQuestion(request=EVAL),
    PlaneQuestion(request=EVAL.model_copy(update={"x": "pca:1", "y": "gradient:0", "half_width": 1.0})),
    ProbeQuestion(request=EVAL, settings=ProbeSettings.of(start="0.05,-0.02", steps=7)),
    CoarseQuestion(request=EVAL.model_copy(update={"x": "random:1", "y": "random:2", "points": 11}), size=3),
]


@pytest.mark.parametrize("asked", OTHER_KINDS, ids=lambda asked: asked.kind)
def test_every_other_kind_of_answer_is_the_same_bytes(compute: CeleryCompute, local: LocalCompute, asked: Question):
    assert compute.ask(asked) == local.ask(asked)


def test_no_kind_of_question_is_left_out():
    kinds = get_args(get_args(AnyQuestion)[0])
    assert {LandscapeQuestion, *map(type, OTHER_KINDS)} == set(kinds)


@pytest.fixture
def for_sweeps(make_settings: MakeSettings) -> Iterator[None]:
    """A worker that takes from the queue of sweeps."""
    with worker_of(make_settings(), BATCH):
        yield


@pytest.mark.usefixtures("for_sweeps")
def test_sweeps_are_the_same_fields_in_order(compute: CeleryCompute, local: LocalCompute):
    for sweep in (lambda place: place.sweep(EVAL, [2, 0, 1]), lambda place: place.minibatches(EVAL, [1, 2, 0])):
        there, here = list(sweep(compute)), list(sweep(local))
        assert [index for index, _ in there] == [index for index, _ in here]
        assert [field.to_bytes() for _, field in there] == [field.to_bytes() for _, field in here]
    until(lambda: compute.load().waiting_sweeps == 0)


@pytest.mark.usefixtures("for_sweeps")
def test_a_claim_is_measured_by_workers(compute: CeleryCompute, local: LocalCompute):
    def measured(place: Compute) -> dict[str, object]:
        while (told := evidence_of("accurate", place, local.store))["state"] == "measuring":
            pass
        return told

    there = measured(compute)
    assert there["state"] == "measured"
    assert there == measured(local)


def test_what_is_not_there_is_the_same_sentence(compute: CeleryCompute, local: LocalCompute):
    for field, value in (("x", "hidden.1.linear.bias[10]"), ("minibatch", 99), ("epoch", 9), ("run", "other")):
        asked = question(0, **{field: value})
        with pytest.raises(UserError) as there:
            compute.ask(asked)
        with pytest.raises(UserError) as here:
            local.ask(asked)
        assert str(there.value) == str(here.value)


def test_progress_and_cancelling(compute: CeleryCompute, notes: Notes):
    [first] = compute.submit([question(WAITS)])
    seed = first.question.request.seed  # pyright: ignore[reportAttributeAccessIssue]
    notes.started(seed)
    assert compute.progress(first) == "running"
    [second] = compute.submit([question(NOTED)])
    assert compute.progress(second) == "waiting"
    assert compute.load().waiting_interactive == 1
    compute.cancel(second)
    notes.go(seed)
    compute.result(first)
    assert compute.progress(first) == "done"
    until(lambda: compute.load() == Load(0, 0, 0))
    assert not notes.starts(second.question.request.seed)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_request_is_computed_once_whoever_asks(make_settings: MakeSettings, notes: Notes):
    asked = question(WAITS)
    seed = asked.request.seed
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", _TWENTY_THREADS, asked.model_dump_json()],
            env=environment_of(make_settings(), notes),
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    notes.started(seed)
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == b"asked\n"
    notes.go(seed)
    answers = {server.communicate(timeout=PATIENCE_SECONDS)[0] for server in servers}
    assert len(answers) == 1
    assert b"1 answer to 20" in answers.pop()
    assert len(notes.starts(seed)) == 1


_TWENTY_THREADS = """
import hashlib, sys, threading
from concurrent.futures import ThreadPoolExecutor
from gradviz.compute.choice import open_compute
from gradviz.compute.cache import FieldCache
from gradviz.compute.kinds import QUESTION
from gradviz.experiment.store import RunStore
from gradviz.settings import load_settings

settings = load_settings()
compute = open_compute(settings, RunStore(settings.runs), FieldCache(settings.cache_dir))
question = QUESTION.validate_json(sys.argv[1])
all_asked = threading.Barrier(21)

def ask(_):
    [ticket] = compute.submit([question])
    all_asked.wait()
    return compute.result(ticket)

with ThreadPoolExecutor(20) as threads:
    answers = threads.map(ask, range(20))
    all_asked.wait()
    print("asked", flush=True)
    answers = list(answers)
print(len(set(answers)), "answer to", len(answers), hashlib.sha256(answers[0]).hexdigest())
"""


def test_an_interactive_question_does_not_wait_behind_the_same_one_in_a_sweep(compute: CeleryCompute, ask: Ask):
    asked = question(NOTED)
    compute.submit([asked], "sweep")  # no worker takes from that queue
    assert ask(asked).result(PATIENCE_SECONDS)
    assert compute.desk.redis.delete("gradviz:batch")
