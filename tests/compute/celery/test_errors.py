"""An error in a worker, whatever it is, is told to those who ask, and ends no worker."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import torch

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery import segment as module
from gradviz.compute.celery.answering import answer
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import Desk, Start
from gradviz.compute.celery.measured import Measured
from gradviz.compute.celery.messages import Segment, Work, code_version
from gradviz.compute.celery.segment import Then, train_segment
from gradviz.compute.celery.training import CeleryTrainer
from gradviz.compute.celery.training_desk import TrainingDesk
from gradviz.compute.interface import ComputationFailed
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.memory import is_out_of_memory
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings, client_of, question
from tests.compute.celery.running import RedisServer

ERRORS = [
    RuntimeError("mat1 and mat2"),
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory"),
    ZeroDivisionError("division by zero"),
    OSError(5, "Input/output error"),
    RecursionError("maximum recursion depth exceeded"),
    AssertionError(),
]
START = Start("interactive.1@tests", "message")
CHAIN = "a" * 32


@pytest.fixture
def alone(make_settings: MakeSettings, redis_server: RedisServer) -> Settings:
    return make_settings(broker=redis_server.url.removesuffix("0") + "9")


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=redis_server.port, db=9) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def desk(alone: Settings, client: redis.Redis) -> Desk:
    return Desk(broker_of(alone), alone)


def raising(error: Exception) -> Any:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    return fail


def work_on(settings: Settings, desk: Desk, questions: list[LandscapeQuestion]) -> None:
    """As a worker does that has been given these."""
    compute = client_of(settings)
    tickets = compute.submit(questions)
    asked = {"code": code_version(), "keys": [ticket.key for ticket in tickets], "questions": questions}
    with FieldCache(settings.cache_dir / "of-the-worker") as cache:
        answer(Work.model_validate(asked), START, Workbench(compute.store, device="cpu"), cache, desk, Measured())


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_in_a_computation_is_told_to_those_who_ask(
    alone: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(LandscapeQuestion, "answer", raising(error))
    asked = question()
    with caplog.at_level(logging.WARNING):
        work_on(alone, desk, [asked])
    said = (
        "too little memory" if is_out_of_memory(error) else rf"failed \({type(error).__name__}\); see the worker's log"
    )
    with pytest.raises(ComputationFailed, match=said):
        client_of(alone).ask(asked)
    assert caplog.text


@pytest.mark.parametrize("error", [*ERRORS, UserError("not there")], ids=repr)
def test_an_error_in_a_shared_pass_costs_no_answer(
    alone: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    monkeypatch.setattr(LandscapeQuestion, "prepare", raising(error))
    asked = [question(minibatch=index) for index in range(3)]
    work_on(alone, desk, asked)
    assert all(client_of(alone).ask(each) for each in asked)


def train_with(alone: Settings, error: Exception, monkeypatch: pytest.MonkeyPatch) -> TrainingDesk:
    """As a worker does whose training meets this error."""
    monkeypatch.setattr(module, "train", raising(error))
    training = TrainingDesk(Desk(broker_of(alone), alone), alone)
    training.begin(CHAIN)
    configs = run_configs(epochs=2, rows=300, hidden=(20, 10, 5), variants=("none",))
    segment = Segment(code=code_version(), chain=CHAIN, configs=tuple(configs))
    assert train_segment(segment, alone, training) is Then.NOTHING
    return training


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_in_training_is_told_at_once_and_another_start_may_help(
    alone: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    train_with(alone, error, monkeypatch)
    status = CeleryTrainer(alone).status()
    assert status.state == "failed"
    assert not status.refused
    assert f"The training failed ({type(error).__name__}); see the worker's log" in status.message


def test_a_mistake_in_training_is_told_and_another_start_would_meet_it_again(
    alone: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    train_with(alone, UserError("The table has no rows."), monkeypatch)
    status = CeleryTrainer(alone).status()
    assert (status.state, status.refused, status.message) == ("failed", True, "The table has no rows.")
