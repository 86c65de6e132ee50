"""The background trainer: a separate process that outlives the server, found by the lock that it holds.

It is `python -m gradviz train --background --runs DIR`, holds the lock of DIR itself (beside those of the runs) and
writes to DIR/trainer.log. These show its state, so that every web worker and the supervisor see the same.
"""

import contextlib
import logging
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from gradviz.compute.background import Background, of_deliveries
from gradviz.compute.ending import GRACE_SECONDS, Ending, is_suspended
from gradviz.compute.trainer import TrainerStatus
from gradviz.compute.trainer_log import TrainerLog
from gradviz.errors import UserError
from gradviz.experiment.deleting import delete_run
from gradviz.experiment.lock import NOTE_NAME, Holder, holder
from gradviz.experiment.private import make_directory
from gradviz.experiment.run_directory import METRICS_NAME
from gradviz.experiment.store import RunStore, run_directories

_log = logging.getLogger(__name__)
LOG_NAME = "trainer.log"
ERROR_PREFIX = "gradviz: error: "
STOPPED_PREFIX, STOPPING_PREFIX = "Stopped", "Stopping"
_START_SECONDS = 20.0
_SILENT_SECONDS = 60.0  # on a busy machine a starting trainer may be silent for long
_ANSWER_SECONDS = 1.0  # how long an answer waits for a trainer to end; most end within one step
_POLL_SECONDS = 0.02


class TrainerProcess:
    """Starts, finds and stops the background trainer of one directory of runs; by default that of the usual runs."""

    def __init__(self, runs: Path | str, background: Background | None = None, *, grace: float = GRACE_SECONDS) -> None:
        self.runs = Path(runs)
        self._background = background or of_deliveries()
        self._store = RunStore(self.runs)
        self._said = TrainerLog(self.runs / LOG_NAME)
        self._starting = threading.Lock()
        self._grace = grace
        self._ending = threading.Lock()
        self._endings: dict[tuple[int, str], Ending] = {}  # by the process and its start

    @property
    def log_path(self) -> Path:
        return self._said.path

    def status(self) -> TrainerStatus:
        """The state of the trainer, and the progress of each run. Costs a few small reads."""
        who = self._holder()  # first, because files read after a trainer's end are final
        progress, last = self._background.progress(self._store), self._said.last_line()
        if who is not None:
            if last.startswith(STOPPING_PREFIX) and self._said.is_newer_than(self._notes()):
                return TrainerStatus("stopping", who, progress, last)
            if who.host == platform.node() and is_suspended(who.pid):
                last = "The training is suspended by a signal (SIGSTOP); Stop ends it, and every saved epoch is kept."
            return TrainerStatus("running", who, progress, last or "The training is starting.")
        if self._starting.locked():
            return TrainerStatus("running", None, progress, "The training is starting.")
        log_is_current = self._log_is_current()
        if log_is_current and last.startswith(ERROR_PREFIX):
            return TrainerStatus("failed", None, progress, last.removeprefix(ERROR_PREFIX), refused=True)
        at_rest = self._background.resting(progress)
        if at_rest.state == "finished" or (log_is_current and last.startswith((STOPPED_PREFIX, STOPPING_PREFIX))):
            return at_rest
        # Only a killed trainer leaves its note; one that failed by itself leaves a different last line.
        # One that ended before it held the lock, or could not write to a full disk, leaves an empty log.
        is_silent = log_is_current and self._said.is_silent_since(_SILENT_SECONDS)
        if os.path.lexists(self.runs / NOTE_NAME) or (log_is_current and last) or is_silent:
            message = f"The training ended unexpectedly; see {LOG_NAME} in the directory of runs."
            return TrainerStatus("failed", None, progress, message)
        if log_is_current and self._said.is_silent():  # another process, such as the supervisor, starts it
            return TrainerStatus("running", None, progress, "The training is starting.")
        return at_rest

    def trains(self) -> bool:
        """Whether its training belongs in this directory of runs."""
        return self._background.trains(self._store)

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Starts the trainer unless one is running, and returns when it holds its lock or has ended.

        `arguments` are more options of `gradviz train`. Existing runs continue with their own options.
        """
        if self._starting.acquire(blocking=False):  # another thread may already be starting it
            try:
                if self._holder() is None:
                    self._launch(arguments)
            finally:
                self._starting.release()
        return self.status()

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks the trainer to stop, whoever started it, and kills it if it does not stop in time.

        Keeps saved epochs either way. Returns after a moment, with the state `stopping` if it has not ended by then.
        `background_only` ignores a trainer started in a terminal, and waits for the end of the background trainer.
        """
        endings = self._begin_to_end(background_only=background_only)
        for ending in endings:
            ending.wait(None if background_only else _ANSWER_SECONDS)
        return self.status()

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Stops the trainer, starts all runs over and replaces their checkpoints. May return before the restart."""
        endings = self._begin_to_end()
        if all(ending.wait(_ANSWER_SECONDS) for ending in endings):
            return self.start([*arguments, "--fresh"])
        threading.Thread(target=self._start_after, args=(endings, arguments), name="start again", daemon=True).start()
        return self.status()

    def delete(self, name: str) -> TrainerStatus:
        """Deletes one run; raises RunLocked with the trainer's process while it is training."""
        delete_run(self.runs, name)
        if self.log_path.exists():
            # The status follows the last line: without this, missing epochs would count as a failure.
            self._said.note(f"{STOPPED_PREFIX}: the run {name} was deleted.")
        return self.status()

    def _launch(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "gradviz", "train", "--background", "--runs", str(self.runs)]
        command += [*self._background.options, *arguments]
        try:
            make_directory(self.runs)
            with self._said.begin() as log:
                # In a separate session, which Ctrl-C in the server's terminal does not reach: the supervisor stops it.
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env=os.environ | {"PYTHONUNBUFFERED": "1"},
                )
        except OSError as error:
            raise UserError(
                f"{self.runs} cannot be written ({error.strerror or error}): "
                "set GRADVIZ_RUNS to a writable directory, or GRADVIZ_READ_ONLY=1."
            ) from error
        deadline = time.monotonic() + _START_SECONDS
        while self._holder() is None and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_SECONDS)
                return
        # Reaps the process whenever it ends, so that a long-lived server leaves no zombie.
        threading.Thread(target=child.wait, name="trainer's end", daemon=True).start()

    def _holders(self) -> list[Holder]:
        """All trainers of these runs on this machine: in the background and in terminals."""
        found = [holder(path) for path in (*self._directories(), self.runs)]
        # One process holds several locks; the note of the whole directory, if any, represents it.
        return list({who.pid: who for who in found if who is not None}.values())

    def _holder(self) -> Holder | None:
        return next(iter(self._holders()), None)

    def _log_is_current(self) -> bool:
        """Whether no terminal has trained since the background trainer last wrote."""
        return self._said.is_newer_than(path / METRICS_NAME for path in self._directories())

    def _notes(self) -> list[Path]:
        return [path / NOTE_NAME for path in (*self._directories(), self.runs)]

    def _directories(self) -> list[Path]:
        """Those of all runs but what others train or record: who does is no trainer of ours to stop."""
        others = self._background.others(self._store)
        try:
            names = run_directories(self.runs)
        except OSError:  # it cannot be listed now
            names = list(self._background.asked)
        return [self.runs / name for name in names if name not in others]

    def _begin_to_end(self, *, background_only: bool = False) -> list[Ending]:
        """Asks the trainers of these runs to end, each only once."""
        background = holder(self.runs)
        holders = [
            who
            for who in self._holders()
            if not background_only or (background is not None and who.pid == background.pid)
        ]
        with self._ending:
            self._endings = {name: ending for name, ending in self._endings.items() if not ending.is_over}
            for who in holders:
                if _name(who) not in self._endings and (ending := self._end(who)) is not None:
                    self._endings[_name(who)] = ending
            return [self._endings[_name(who)] for who in holders if _name(who) in self._endings]

    def _end(self, who: Holder) -> Ending | None:
        """None if it has already ended; UserError if this process cannot end it."""

        def is_here() -> bool:
            return _name(who) in {_name(each) for each in self._holders()}

        if who.host != platform.node():
            raise UserError(f"The trainer runs on another machine, {who.host}: stop it there.")
        asked = f"{STOPPING_PREFIX} after the current step; if the trainer hangs, it is killed in {self._grace:.0f} s."
        killed = f"{STOPPED_PREFIX}: the trainer hung and was killed; every saved epoch is kept."
        try:
            return Ending(
                who.pid,
                is_meant=is_here,
                on_ask=lambda: self._said.note(asked),
                on_kill=lambda: self._said.note(killed),
                grace=self._grace,
            )
        except PermissionError as error:
            raise UserError("The trainer belongs to another user of this machine: stop it as that user.") from error
        except (OSError, AttributeError) as error:
            if is_here():
                raise UserError(f"The trainer, process {who.pid}, cannot be stopped from here.") from error
        return None

    def _start_after(self, endings: Sequence[Ending], arguments: Sequence[str]) -> None:
        if all(ending.wait() for ending in endings):
            try:
                self.start([*arguments, "--fresh"])
            except UserError as error:
                _log.warning("Cannot restart the training: %s", error)


def _name(who: Holder) -> tuple[int, str]:
    return who.pid, who.started
