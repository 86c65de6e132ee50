"""Paths of replicas on disk until they are compared: one file of numbers for each, in a directory of its own.

`NAME.safetensors` is written last and says that NAME is whole. The numbers are not synced to disk, which would take
longer than to train: a kill leaves them in the system's memory, and after a restart of the machine a job begins anew.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.files import PARTIAL_SUFFIX, is_there, write_whole
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.private import file_mode, make_directory
from gradviz.experiment.tensor_file import read_tensors, write_tensors
from gradviz.landscape.paths.kept import PathShape

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # https://man7.org/linux/man-pages/man4/random.4.html
_BOOT_NAME = "boot"
_MAX_BYTES = 1024
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_DTYPES = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}


@dataclass(frozen=True)
class DiskKept:
    """`gradviz.landscape.paths.kept.Kept` in a directory, which one process uses at a time."""

    directory: Path
    _mapped: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def opened(cls, directory: Path) -> "DiskKept":
        """With what a job has kept there since the machine started. UserError if it cannot be written."""
        boot = _boot_id()
        if not boot or boot != _read(directory / _BOOT_NAME):
            remove(directory)
        try:
            make_directory(directory)
        except OSError as error:
            raise _refused(directory, error) from error
        write_whole(directory / _BOOT_NAME, boot)
        return cls(directory)

    @property
    def num_bytes(self) -> int:
        """Of all paths that are there."""
        return sum(path.stat().st_size for path in self.directory.glob("*.numbers"))

    def get(self, name: str) -> dict[str, Tensor] | None:
        path = self._told(name)
        try:
            return read_tensors(path) if is_there(path) else None
        except UnusableFile:
            return None  # it is computed again

    def put(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        write_tensors(self._told(name), tensors)

    @contextmanager
    def writing(self, name: str, shape: PathShape) -> Iterator["DiskWriting"]:
        """The room is taken at once, so that a full disk (UserError) is told before a replica is trained; and to write
        into it takes less time."""
        place = self._numbers(name)
        partial = place.with_name(place.name + PARTIAL_SUFFIX)
        try:
            descriptor = os.open(partial, _FLAGS, file_mode(self.directory))
        except OSError as error:
            raise _refused(partial, error) from error
        try:
            path = DiskWriting(descriptor, partial, shape)
            try:
                _take_room(path)
                yield path
            finally:
                os.close(descriptor)
            if path.told is not None:
                os.replace(partial, place)
                self.put(name, path.told)
        finally:
            with suppress(OSError):  # it is gone where it was finished, and a leftover is written over
                partial.unlink(missing_ok=True)

    def numbers(self, name: str, shape: PathShape, points: slice, columns: slice) -> Tensor:
        if name not in self._mapped:
            # "c": torch takes writable memory alone; what is written would stay in this process.
            mapped = np.memmap(self._numbers(name), _DTYPES[shape.dtype], "c", shape=(shape.points, shape.numbers))
            self._mapped[name] = mapped
        return torch.from_numpy(self._mapped[name][points, columns])

    def _told(self, name: str) -> Path:
        return self.directory / f"{name}.safetensors"

    def _numbers(self, name: str) -> Path:
        return self.directory / f"{name}.numbers"


@dataclass
class DiskWriting:
    """A path under way: its points go to the file one after the other."""

    descriptor: int
    path: Path
    shape: PathShape
    written: int = 0
    told: Mapping[str, Tensor] | None = None

    def add(self, numbers: Sequence[Tensor]) -> None:
        for part in numbers:
            assert part.dtype == self.shape.dtype
            rest = part.contiguous().view(torch.uint8).numpy().data
            while rest:
                try:
                    written = os.write(self.descriptor, rest)
                except OSError as error:
                    raise _refused(self.path, error) from error
                rest = rest[written:]
                self.written += written

    def finish(self, told: Mapping[str, Tensor]) -> None:
        assert self.written == self.shape.num_bytes
        self.told = told


def _take_room(path: DiskWriting) -> None:
    try:
        os.posix_fallocate(path.descriptor, 0, path.shape.num_bytes)
    except OSError as error:
        raise _refused(path.path, error) from error


def remove(directory: Path) -> None:
    """Removes all that a job has kept. UserError if that fails."""
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f"{directory} cannot be removed ({error.strerror or error}): remove it yourself.") from error


def check_room(directory: Path, num_bytes: int) -> None:
    """UserError if the disk of a directory has less room than that."""
    free = shutil.disk_usage(directory).free
    if free < num_bytes:
        raise UserError(
            f"The paths need {num_bytes / 1e9:.1f} GB in {directory} until they are compared, and {free / 1e9:.1f} GB "
            "are free: ask for fewer `--points` or `--replicas`, or set GRADVIZ_CACHE_DIR to another disk."
        )


def _boot_id() -> bytes:
    """Another one after each start of the machine; empty if the system does not tell, and then nothing is reused."""
    return _read(_BOOT_ID)


def _read(path: Path) -> bytes:
    try:
        return read_outside(path, _MAX_BYTES)
    except UnusableFile:
        return b""


def _refused(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written ({error.strerror or error}): make room, or set GRADVIZ_CACHE_DIR to another place."
    )
