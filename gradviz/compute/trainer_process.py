"""The background trainer: a process of its own that outlives the server, found again through the lock that it holds.

It is `python -m gradviz train --background --runs DIR`, holds the lock of DIR itself (beside those of the runs) and
writes to DIR/trainer.log. Nothing is remembered in memory, so that every web worker and the supervisor see the same.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gradviz.compute.trainer import TrainerStatus, progress_of, resting
from gradviz.errors import UserError
from gradviz.experiment.config import VARIANTS, Variant
from gradviz.experiment.deleting import delete_run
from gradviz.experiment.lock import NOTE_NAME, Holder, holder
from gradviz.experiment.store import RunStore

LOG_NAME = "trainer.log"
ERROR_PREFIX = "gradviz: error: "
STOPPED_PREFIX = "Stopped"
_HEADER_PREFIX = "=== "
_TAIL_BYTES = 16_384
_MAX_LOG_BYTES = 2**20
_START_SECONDS = 20.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02


class TrainerProcess:
    """Starts, finds and stops the background trainer of one directory of runs. `variants`: what it should train."""

    def __init__(self, runs: Path | str, *, variants: Sequence[str] = VARIANTS) -> None:
        self.runs = Path(runs)
        self.variants = tuple(variants)
        self._store = RunStore(self.runs)
        self._starting = threading.Lock()

    @property
    def log_path(self) -> Path:
        return self.runs / LOG_NAME

    def status(self) -> TrainerStatus:
        """What the trainer does now, and how far each run is. Costs a few small reads."""
        who = self._holder()  # first: what is read after a trainer's end is final
        progress, last = progress_of(self._store), self._last_line()
        if who is not None:
            return TrainerStatus("running", who, progress, last or "The training is starting.")
        log_is_current = self._log_is_current()
        if log_is_current and last.startswith(ERROR_PREFIX):
            return TrainerStatus("failed", None, progress, last.removeprefix(ERROR_PREFIX), refused=True)
        at_rest = resting(progress, self.variants)
        if at_rest.state == "finished":
            return at_rest
        # Only a trainer that was killed leaves its note; one that failed in itself leaves other last words than these.
        failed_by_itself = log_is_current and last and not last.startswith(STOPPED_PREFIX)
        if (self.runs / NOTE_NAME).exists() or failed_by_itself:
            message = f"The training ended unexpectedly; its last words are in {self.log_path}."
            return TrainerStatus("failed", None, progress, message)
        return at_rest

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Starts the trainer unless one is running, and returns when it holds its lock or has ended.

        `arguments` are further options of `gradviz train`. Runs that have begun continue with their own options.
        """
        with self._starting:
            if self._holder() is None:
                self._launch(arguments)
            return self.status()

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        """Asks the trainer to stop, whoever started it, and waits for its end; saved epochs are kept.

        `background_only` leaves a trainer alone that was started in a terminal.
        """
        with self._starting:
            background = holder(self.runs)
            for who in self._holders():
                if not background_only or (background is not None and who.pid == background.pid):
                    _terminate(who, self._holders)
            return self.status()

    def start_again(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        """Stops the trainer and begins all runs afresh: what was trained is replaced."""
        self.stop()
        return self.start([*arguments, "--fresh"])

    def delete(self, variant: Variant) -> TrainerStatus:
        """Deletes one run, which must not be in training: RunLocked says who trains it."""
        with self._starting:
            delete_run(self.runs, variant)
            if self.log_path.exists():
                # Its last words are what the status goes by: that epochs are missing is no failure.
                with open(self.log_path, "a") as log:
                    log.write(f"{STOPPED_PREFIX}: the run {variant} was deleted.\n")
            return self.status()

    def _launch(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "gradviz", "train", "--background", "--runs", str(self.runs)]
        command += ["--variants", ",".join(self.variants), *arguments]
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            large = self.log_path.exists() and self.log_path.stat().st_size > _MAX_LOG_BYTES
            with open(self.log_path, "wb" if large else "ab") as log:
                log.write(f"{_HEADER_PREFIX}{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
                log.flush()
                # A session of its own: Ctrl-C at the server's terminal does not reach it, the supervisor stops it.
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
                "set GRADVIZ_RUNS to a directory to write to, or GRADVIZ_READ_ONLY=1."
            ) from error
        deadline = time.monotonic() + _START_SECONDS
        while self._holder() is None and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_SECONDS)
                return
        # Takes note of its end whenever that comes: no process is left as a zombie of a long-lived server.
        threading.Thread(target=child.wait, name="trainer's end", daemon=True).start()

    def _holders(self) -> list[Holder]:
        """Every trainer of these runs on this machine: the background one and those of terminals."""
        found = [holder(path) for path in (*(self.runs / variant for variant in VARIANTS), self.runs)]
        # One process holds several locks; what its first note says, of the whole directory, stands for it.
        return list({who.pid: who for who in found if who is not None}.values())

    def _holder(self) -> Holder | None:
        return next(iter(self._holders()), None)

    def _last_line(self) -> str:
        """The last line that the trainer started last has written; empty if it has written none."""
        try:
            with open(self.log_path, "rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        lines = [line for line in lines if line.strip()]
        return lines[-1].strip() if lines and not lines[-1].startswith(_HEADER_PREFIX) else ""

    def _log_is_current(self) -> bool:
        """Whether nothing was trained from a terminal since the background trainer last wrote."""
        with contextlib.suppress(OSError):
            written = self.log_path.stat().st_mtime
            metrics = [path.stat().st_mtime for path in self.runs.glob("*/metrics.csv")]
            return written >= max(metrics, default=0.0)
        return False


def _terminate(who: Holder, still_there: Callable[[], list[Holder]]) -> None:
    """SIGTERM to the verified holder of a lock, and a wait for its end."""
    try:
        descriptor = os.pidfd_open(who.pid)
    except (OSError, AttributeError) as error:
        if who in still_there():
            raise UserError(f"The trainer, process {who.pid} on {who.host}, cannot be stopped from here.") from error
        return
    try:
        if who not in still_there():
            return  # the number belongs to another process by now
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not select.select([descriptor], [], [], _STOP_SECONDS)[0]:
            raise UserError(f"The trainer, process {who.pid}, has not stopped within {_STOP_SECONDS:.0f} s: try again.")
    except PermissionError as error:
        raise UserError(f"The trainer, process {who.pid}, belongs to another user: stop it there.") from error
    finally:
        os.close(descriptor)
