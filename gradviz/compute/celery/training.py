"""Training by workers elsewhere, as a server sees it: started once whoever asks, and independent of any server."""

import logging
import uuid
from collections.abc import Sequence

from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import Desk
from gradviz.compute.celery.envelope import TRAIN
from gradviz.compute.celery.messages import Segment, code_version, use_strict_json
from gradviz.compute.celery.names import TRAINING
from gradviz.compute.celery.training_desk import TrainingDesk, TrainingNow
from gradviz.compute.celery.training_watch import TrainingWatch
from gradviz.compute.trainer import TrainerStatus, progress_of, resting
from gradviz.errors import UserError
from gradviz.experiment.deleting import delete_run
from gradviz.experiment.lock import Holder
from gradviz.experiment.presets import run_configs
from gradviz.experiment.store import RunStore
from gradviz.experiment.taking_up import taken_up
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
NO_WORKER = "The training waits: no training worker is connected; start one with `gradviz worker --queues training`."


class CeleryTrainer:
    """The training of the settings' runs, preset and variants. UserError where the settings' broker may not be used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = RunStore(settings.runs)
        broker = broker_of(settings)
        use_strict_json()
        self._app = create_app(settings, broker)
        self._desk = Desk(broker, settings)
        self._training = TrainingDesk(self._desk, settings)
        self._watch = TrainingWatch(self._training)

    def status(self) -> TrainerStatus:
        """What the trainer does now; a training that the broker has lost is sent again, wherever it was."""
        now = self._training.now()
        end = None if now is not None else self._training.end()
        progress = progress_of(self._store)  # after that: what is read after a training's end is final
        lost = None if self._settings.read_only else self._watch.lost(now, end)
        if lost is not None:
            now = self._send_again(lost) or now
        if now is not None:
            message = now.message if self._desk.has_worker(TRAINING) else NO_WORKER
            return TrainerStatus("running", Holder(0, now.since, "a worker"), progress, message)
        if end is not None and end.failed:
            return TrainerStatus("failed", None, progress, end.message, refused=end.refused)
        return resting(progress, self._settings.variants)

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Sends the first segment, unless a training is under way."""
        assert not arguments, "options are those of the settings"
        chain = uuid.uuid4().hex
        if self._training.begin(chain):
            self._send(chain, fresh=False)
        return self.status()

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks the worker to stop after the step under way. What workers do is not of this server's background."""
        if background_only:
            return resting(progress_of(self._store), self._settings.variants)
        now = self._training.now()
        if now is not None:
            self._training.ask_to_stop(now.chain)
        return self.status()

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """The training under way stops when it finds this one in its place."""
        assert not arguments, "options are those of the settings"
        chain = uuid.uuid4().hex
        self._training.begin(chain, fresh=True, in_place_of_another=True)
        self._send(chain, fresh=True)
        return self.status()

    def delete(self, name: str) -> TrainerStatus:
        """Deletes one run of the shared directory; UserError, RunLocked among them, while it is in training."""
        if self._training.now() is not None:
            raise UserError(f"The run {name} may be in training by a worker: stop the training first.")
        delete_run(self._settings.runs, name)
        return self.status()

    def _send_again(self, lost: TrainingNow) -> TrainingNow | None:
        if self._training.begin_again(lost):
            _log.warning("The broker has lost the training under way: it is sent again from the last saved epoch.")
            self._send(lost.chain, fresh=lost.fresh, number=lost.number)
        return self._training.now()

    def _send(self, chain: str, *, fresh: bool, number: int = 0) -> None:
        asked = run_configs(self._settings.preset, self._settings.variants)
        configs = tuple(taken_up(self._store, asked))
        segment = Segment(code=code_version(), chain=chain, number=number, configs=configs, fresh=fresh)
        with self._desk.reaching():
            self._app.send_task(TRAIN, (segment.model_dump(mode="json"),), queue=TRAINING)
        self._training.sent()
