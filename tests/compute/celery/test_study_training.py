"""Training of a study by workers: the files of training at home, and only with the study that the server has."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.messages import Segment, StudyOrder
from gradviz.compute.celery.segment import Then, train_segment
from gradviz.compute.celery.training import CeleryTrainer
from gradviz.compute.celery.training_desk import TrainingDesk
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import train_studies
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings
from tests.compute.celery.running import RedisServer
from tests.compute.test_background import PROGRAM, contents

Begin = Callable[[], Segment]


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=redis_server.port, db=10) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def settings(make_settings: MakeSettings, redis_server: RedisServer, client: redis.Redis, tmp_path: Path) -> Settings:
    file = tmp_path / "largest.py"
    file.write_text(PROGRAM)
    broker = redis_server.url.removesuffix("0") + "10"
    return make_settings(broker=broker, runs=tmp_path / "runs", study=f"{file}:study")


@pytest.fixture
def desk(settings: Settings) -> TrainingDesk:
    return TrainingDesk(Desk(broker_of(settings), settings), settings)


@pytest.fixture
def begin(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Starts the training as a server does; the segment that a worker reads."""

    def begin() -> Segment:
        sent: list[Any] = []
        trainer = CeleryTrainer(settings)
        monkeypatch.setattr(trainer._app, "send_task", lambda name, arguments, **_: sent.append(arguments[0]))
        trainer.start()
        return Segment.model_validate(sent.pop())

    return begin


def test_a_worker_trains_it_as_at_home(settings: Settings, desk: TrainingDesk, begin: Begin, tmp_path: Path):
    study = load_study(settings.study).study
    train_studies(tmp_path / "home", recipe_trainings(study), device="cpu")
    then, segment = Then.NEXT, begin()
    assert segment.study is not None
    assert [order.name for order in segment.study.runs] == ["plain", "dropped", "decayed"]
    assert [StudyOrder.of(order.training(study)) for order in segment.study.runs] == list(segment.study.runs)
    while then is Then.NEXT:
        then = train_segment(segment, settings, desk)
        segment = segment.model_copy(update={"number": segment.number + 1})
    assert contents(settings.runs) == contents(tmp_path / "home")
    status = CeleryTrainer(settings).status()
    assert (status.state, len(status.progress)) == ("finished", 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda settings: {"study": ""}, r"does not know the study largest: start it with `--study FILE\.py:NAME`"),
        (lambda settings: {"study": f"{other_source(settings)}:study"}, "has changed since the study"),
    ],
)
def test_a_worker_without_the_server_s_study_refuses(
    settings: Settings, desk: TrainingDesk, begin: Begin, change: Callable[[Settings], dict[str, str]], told: str
):
    segment = begin()
    worker = settings.model_copy(update=change(settings))
    assert train_segment(segment, worker, desk) is Then.NOTHING
    end = desk.end()
    assert end is not None
    assert (end.failed, end.refused) == (True, True)
    assert re.search(told, end.message)
    assert not (settings.runs / "plain").exists()


def other_source(settings: Settings) -> Path:
    path = settings.runs.parent / "elsewhere.py"
    path.write_text(PROGRAM + "# changed\n")
    return path


def test_a_segment_is_of_deliveries_or_of_a_study(begin: Begin):
    values = begin().model_dump(mode="json")
    with pytest.raises(ValueError, match="either `configs` or `study`"):
        Segment.model_validate(values | {"study": None})
