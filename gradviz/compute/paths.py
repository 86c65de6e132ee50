"""Paths of a stored run: computed once for each content, kept on disk, and continued after a kill.

`DIRECTORY/paths-1/KEY.safetensors` is an answer; KEY is the digest of all that determines it. What a job under way has
kept lies in `DIRECTORY/paths-1/KEY/` until it has ended, whatever plane the ways are to be told in: KEY is then that of
the same replicas in their principal plane, whose answer is kept too.
"""

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gradviz.compute.alone import Alone
from gradviz.compute.paths_kept import DiskKept, check_room, remove
from gradviz.compute.paths_plane import chosen_plane, plane_sources
from gradviz.compute.refusals import Cancelled
from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation
from gradviz.experiment.device import resolve_device
from gradviz.experiment.files import is_there, write_whole
from gradviz.experiment.interruption import Stopped, StopRequest
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.private import make_directory
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.continuation import DeliveriesContinuation
from gradviz.experiment.study_continuation import StudyContinuation
from gradviz.experiment.tensor_file import read_metadata, read_tensors, write_tensors
from gradviz.landscape.paths.answer import from_tensors, to_tensors
from gradviz.landscape.paths.measuring import measure, needed_bytes
from gradviz.landscape.paths.plane import ChosenPlane
from gradviz.landscape.paths.progress import OnProgress, PathsProgress
from gradviz.landscape.paths.replica import num_numbers
from gradviz.landscape.paths.request import PATHS_VERSION, PathsRequest
from gradviz.landscape.paths.result import PathsResult
from gradviz.landscape.paths.schedule import usual_points

LAYOUT = "paths-1"
"""The directory of paths in that of the cache."""

MOST_SENT_BYTES = 8 * 2**20
"""Of an answer that goes from one machine to another; 8 replicas of 4 conditions at 32 times have 0.2 MB."""

_SUFFIX, _TEXT = ".safetensors", "paths"
_KEY = re.compile(r"[0-9a-f]{64}")


def continuation_of(store: RunStore, name: str, device: torch.device) -> Continuation:
    """A run of any study as a training that goes on; UserError if it is none that gradviz trained."""
    run = store.any_run(name)
    return DeliveriesContinuation(run, device) if isinstance(run, Run) else StudyContinuation(run, device)


def paths(
    store: RunStore,
    request: PathsRequest,
    directory: Path,
    *,
    device: str = "auto",
    on_progress: OnProgress = lambda progress: None,
    on_wait: Callable[[], None] = lambda: None,
    stop: StopRequest | None = None,
) -> PathsResult:
    """The paths that a request asks for: read if they are known, else computed, alone on this machine.

    Another process or thread that asks for the same meanwhile waits and reads them (`on_wait`). `stop` ends it after
    the current step with `Stopped`; what is whole is kept under `directory`, and the next call goes on with it.
    UserError as in `measure`, or if the disk has no room.
    """
    chosen = resolve_device(device)
    run = continuation_of(store, request.run, chosen)
    keys = keys_of(store, run, request, chosen)
    for each in keys:
        found = _read(directory / LAYOUT / f"{each}{_SUFFIX}", request)
        if found is not None:
            return found
    place = directory / LAYOUT / f"{keys[0]}{_SUFFIX}"
    replicas = replicas_key(store, run, request, chosen)
    _make(place.parent)

    def step(progress: PathsProgress) -> None:
        if stop is not None and stop.asked:
            raise Stopped
        on_progress(progress)

    def still_wanted() -> bool:
        on_wait()
        return stop is None or not stop.asked

    try:
        with Alone(place.parent).of(replicas, still_wanted):
            return _read(place, request) or _Computing(store, run, request, chosen, step).into(place, replicas)
    except Cancelled:
        raise Stopped from None


def key_of(store: RunStore, run: Continuation, request: PathsRequest, device: torch.device) -> str:
    """Hex digest of everything that determines the paths: not the run's name, but its content. UserError for an axis of
    the plane that the run has not."""
    return keys_of(store, run, request, device)[0]


def replicas_key(store: RunStore, run: Continuation, request: PathsRequest, device: torch.device) -> str:
    """The key under which a job keeps its replicas: the same whatever the plane."""
    return key_of(store, run, request.in_principal_plane(), device)


def keys_of(store: RunStore, run: Continuation, request: PathsRequest, device: torch.device) -> tuple[str, ...]:
    """Those under which the paths may be kept, first the one that `key_of` gives them. A request that leaves `points`
    open is also content with paths kept when the usual number was 8 or 4 (it was left open in their key)."""
    if request.points is not None:
        return (_digest(store, run, request, device),)
    usual = request.model_copy(update={"points": usual_points(num_numbers(run.model))})
    return _digest(store, run, usual, device), _digest(store, run, request, device)


def kept_key(
    directory: Path, store: RunStore, run: Continuation, request: PathsRequest, device: torch.device
) -> str | None:
    """The key under which the paths of a request are kept; None if they are not."""
    return next((key for key in keys_of(store, run, request, device) if is_known(directory, key)), None)


def _digest(store: RunStore, run: Continuation, request: PathsRequest, device: torch.device) -> str:
    asked = request.model_dump(mode="json", exclude={"run", "variant", "x", "y"})
    # Moments are trained from epoch 0, and the rate is searched by the end of the run's own epochs.
    epochs = [epoch for epoch in (0, request.epoch, request.epoch + request.epochs) if epoch in run.epochs()]
    checkpoints = [run.address(epoch) for epoch in epochs]
    parts = [PATHS_VERSION, checkpoints, asked, device.type, str(torch.__version__)]
    parts += plane_sources(store, run, request)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def is_known(directory: Path, key: str) -> bool:
    """Whether the paths of this key are kept."""
    return is_there(directory / LAYOUT / f"{key}{_SUFFIX}")


def known(directory: Path, key: str) -> PathsResult | None:
    """The paths of this key, under the run's name when they were computed; None if they are not kept."""
    return _read(directory / LAYOUT / f"{key}{_SUFFIX}", None)


def make_room(directory: Path, limit: int, spared: str) -> None:
    """Removes kept paths, and what stopped jobs have left, the oldest first, until they take at most `limit` bytes.

    What belongs to the key `spared`, or to a job under way, stays.
    """
    root = directory / LAYOUT
    _make(root)
    there = [
        path for path in root.iterdir() if _KEY.fullmatch(path.stem) and path.stem != spared and not path.is_symlink()
    ]
    sizes = {path: _num_bytes(path) for path in sorted(there, key=lambda path: path.lstat().st_mtime)}
    total = sum(sizes.values())
    for path, size in sizes.items():
        if total <= limit:
            return
        with suppress(Cancelled), Alone(root).of(path.stem, lambda: False):
            remove(path) if path.is_dir() else path.unlink(missing_ok=True)
            total -= size


def _num_bytes(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(each.lstat().st_size for each in files)


@dataclass(frozen=True, eq=False)
class _Computing:
    store: RunStore
    run: Continuation
    request: PathsRequest
    device: torch.device
    on_progress: OnProgress

    def into(self, place: Path, replicas: str) -> PathsResult:
        """The answer, which is written to `place`, from what is kept under the key `replicas`."""
        run, request, scratch = self.run, self.request, place.with_name(replicas)
        kept = DiskKept.opened(scratch)
        check_room(scratch, needed_bytes(run, request) - kept.num_bytes)
        make = None if request.axes is None else self._plane
        result = measure(run, request, kept, self.on_progress, make)
        if result.chosen is not None:
            principal = replace(result, request=request.in_principal_plane(), chosen=None)
            _write(scratch.with_suffix(_SUFFIX), principal)
        _write(place, result)
        remove(scratch)
        return result

    def _plane(self) -> ChosenPlane:
        return chosen_plane(self.store, self.run, self.request, self.device)


def _write(place: Path, result: PathsResult) -> None:
    tensors, text = to_tensors(result)
    write_tensors(place, tensors, {_TEXT: text})


def _read(place: Path, request: PathsRequest | None) -> PathsResult | None:
    """The answer, under the run's present name if there is a request."""
    try:
        if not is_there(place):
            return None
        found = from_tensors(read_tensors(place), read_metadata(place)[_TEXT])
        return found if request is None else replace(found, request=request)
    except (UnusableFile, KeyError, ValueError):
        return None  # it is computed again


def _make(directory: Path) -> None:
    try:
        make_directory(directory)
    except OSError as error:
        raise UserError(
            f"{directory} cannot be made ({error.strerror or error}): set GRADVIZ_CACHE_DIR to a writable directory."
        ) from error


def sent(directory: Path, key: str) -> bytes | None:
    """The kept answer with this key for another machine; None if it has more than MOST_SENT_BYTES, or is not there."""
    try:
        return read_outside(directory / LAYOUT / f"{key}{_SUFFIX}", MOST_SENT_BYTES)
    except UnusableFile:
        return None


def take_in(directory: Path, key: str, content: bytes, limit: int) -> bool:
    """Keeps the answer that another machine has sent; False if these bytes are none. The oldest others make room, so
    that all take `limit` bytes at most."""
    if len(content) > MOST_SENT_BYTES or not _KEY.fullmatch(key):
        return False
    make_room(directory, limit, key)
    incoming = directory / LAYOUT / f"{key}.{uuid.uuid4().hex}"
    try:
        write_whole(incoming, content)
        if _read(incoming, None) is None:
            return False
        os.replace(incoming, directory / LAYOUT / f"{key}{_SUFFIX}")
    finally:
        incoming.unlink(missing_ok=True)
    return True
