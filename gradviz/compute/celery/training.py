"""The server's interface to training in workers elsewhere: one training for all servers, and independent of them."""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from gradviz.compute.background import background_of
from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.chain_watch import ChainWatch
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.envelope import TRAIN
from gradviz.compute.celery.messages import Segment, StudyOrder, StudyOrders, code_version, use_strict_json
from gradviz.compute.celery.names import TRAINING
from gradviz.compute.celery.training_desk import TrainingDesk, TrainingNow
from gradviz.compute.trainer import TrainerStatus
from gradviz.errors import UserError
from gradviz.experiment.deleting import delete_run
from gradviz.experiment.lock import Holder
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.taking_up import taken_up
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import recipe_trainings, taken_up_trainings
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
NO_WORKER = "The training waits: no training worker is connected; start one with `gradviz worker --queues training`."


class CeleryTrainer:
    """The training of the settings' study, or of their preset and variants.

    UserError if the settings' broker may not be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = RunStore(settings.runs)
        self._background = background_of(settings)
        broker = broker_of(settings)
        use_strict_json()
        self._app = create_app(settings, broker)
        self._desk = Desk(broker, settings)
        self._training = TrainingDesk(self._desk, settings)
        self._watch = ChainWatch(self._training)

    def status(self) -> TrainerStatus:
        """The state of the trainer; if the broker has lost the training, this sends it again."""
        now = self._training.now()
        end = None if now is not None else self._training.end()
        progress = self._background.progress(
            self._store
        )  # afterwards, because files read after a training's end are final
        lost = None if self._settings.read_only else self._watch.lost(now, end)
        if lost is not None:
            now = self._send_again(lost) or now
        if now is not None:
            message = now.message if self._desk.has_worker(TRAINING) else NO_WORKER
            return TrainerStatus("running", Holder(0, now.since, "a worker"), progress, message)
        if end is not None and end.failed:
            return TrainerStatus("failed", None, progress, end.message, refused=end.refused)
        return self._background.resting(progress)

    def trains(self) -> bool:
        """Whether its training belongs in this directory of runs."""
        return self._background.trains(self._store)

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Sends the first segment, unless a training is running."""
        assert not arguments, "the settings give the options"
        chain = uuid.uuid4().hex
        if self._training.begin(chain):
            self._send(chain, fresh=False)
        return self.status()

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks the worker to stop after the current step; `background_only` leaves workers alone."""
        if background_only:
            return self._background.resting(self._background.progress(self._store))
        now = self._training.now()
        if now is not None:
            self._training.ask_to_stop(now.chain)
        return self.status()

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Replaces the current training, which stops when it finds this one in its place."""
        assert not arguments, "the settings give the options"
        chain = uuid.uuid4().hex
        self._training.begin(chain, fresh=True, in_place_of_another=True)
        self._send(chain, fresh=True)
        return self.status()

    def delete(self, name: str) -> TrainerStatus:
        """Deletes one run of the shared directory; UserError (also RunLocked) while it may be training."""
        if self._training.now() is not None:
            raise UserError(f"A worker may be training {name}: stop the training first.")
        delete_run(self._settings.runs, name)
        return self.status()

    def _send_again(self, lost: TrainingNow) -> TrainingNow | None:
        if self._training.begin_again(lost):
            _log.warning("The broker lost the training; sending it again from the last saved epoch.")
            self._send(lost.chain, fresh=lost.fresh, number=lost.number)
        return self._training.now()

    def _send(self, chain: str, *, fresh: bool, number: int = 0) -> None:
        segment = Segment(code=code_version(), chain=chain, number=number, fresh=fresh, **self._runs())
        with self._desk.reaching():
            self._app.send_task(TRAIN, (segment.model_dump(mode="json"),), queue=TRAINING)
        self._training.sent()

    def _runs(self) -> dict[str, Any]:
        """What a segment names: the configurations of deliveries, or the runs of a study."""
        if self._background.study == OWN_STUDY:
            asked = run_configs(self._settings.preset, self._settings.variants)
            return {"configs": taken_up(self._store, asked)}
        loaded = load_study(self._settings.study)
        trainings = taken_up_trainings(self._store, loaded.study, recipe_trainings(loaded.study))
        runs = tuple(StudyOrder.of(training) for training in trainings)
        return {"study": StudyOrders(name=loaded.study.name, digest=loaded.digest, runs=runs)}
