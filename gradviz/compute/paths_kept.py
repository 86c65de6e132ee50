"""Paths of replicas on disk until they are compared: one file of numbers for each, in a directory of its own.

`NAME.safetensors` is written last and says that NAME is whole. Nobody waits until the numbers are on disk, which can
take longer than to train: a kill leaves them in the system's memory, and after a restart of the machine a job begins
anew.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gradviz.compute.paths_behind import Behind
from gradviz.errors import UserError
from gradviz.experiment.files import PARTIAL_SUFFIX, is_there, write_whole
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.private import file_mode, make_directory
from gradviz.experiment.tensor_file import read_tensors, write_tensors
from gradviz.landscape.paths.kept import PathShape

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # https://man7.org/linux/man-pages/man4/random.4.html
_BOOT_NAME = "boot"
_MAX_BYTES = 1024
_FORMAT = b" aligned"  # what a job of an older version has left is not gone on with
_SECTOR = 4096  # a point begins at a multiple, so that it can be read past the system's memory
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True)
class DiskKept:
    """`gradviz.landscape.paths.kept.Kept` in a directory, which one process uses at a time."""

    directory: Path
    behind: Behind = field(default_factory=Behind)

    @classmethod
    def opened(cls, directory: Path) -> "DiskKept":
        """With what a job has kept there since the machine started. UserError if it cannot be written."""
        boot = _read(_BOOT_ID)
        if not boot or boot + _FORMAT != _read(directory / _BOOT_NAME):
            remove(directory)
        try:
            make_directory(directory)
        except OSError as error:
            raise _refused(directory, error) from error
        write_whole(directory / _BOOT_NAME, boot + _FORMAT)
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
            path = DiskWriting(descriptor, partial, shape, self.behind)
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

    def reading(self, name: str, shape: PathShape, points: slice) -> "DiskReading":
        return DiskReading(self._numbers(name), shape, points, self.behind)

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
    behind: Behind
    points: int = 0
    told: Mapping[str, Tensor] | None = None

    def add(self, numbers: Sequence[Tensor]) -> None:
        begin, start = time.perf_counter(), self.points * _stride(self.shape)
        place = start
        try:
            for part in numbers:
                assert part.dtype == self.shape.dtype
                rest = part.contiguous().view(torch.uint8).numpy().data
                while rest:
                    written = os.pwrite(self.descriptor, rest, place)
                    rest, place = rest[written:], place + written
            self.behind.written(self.descriptor, place - start, time.perf_counter() - begin)
        except OSError as error:
            raise _refused(self.path, error) from error
        assert place - start == self.shape.numbers * self.shape.dtype.itemsize
        self.points += 1

    def finish(self, told: Mapping[str, Tensor]) -> None:
        assert self.points == self.shape.points
        self.told = told


@dataclass
class DiskReading:
    """Parts of a finished path: read as the disk asks for, at whole sectors, into memory that begins at one."""

    path: Path
    shape: PathShape
    points: slice
    behind: Behind
    _room: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))

    def __call__(self, columns: slice, /) -> Tensor:
        size, chosen = self.shape.dtype.itemsize, range(*self.points.indices(self.shape.points))
        begin, stop = columns.start * size, columns.stop * size
        low, high = begin // _SECTOR * _SECTOR, _whole_sectors(stop)
        needed = len(chosen) * (high - low)
        if len(self._room) < needed + _SECTOR:
            self._room = torch.empty(needed + _SECTOR, dtype=torch.uint8)
        room_Tb = self._room[-self._room.data_ptr() % _SECTOR :][:needed].view(len(chosen), -1)
        try:
            self.behind.wait()
            descriptor = self._opened()
            try:
                for place_b, point in zip(room_Tb, chosen, strict=True):
                    got = os.preadv(descriptor, [place_b.numpy().data], point * _stride(self.shape) + low)
                    if got < stop - low:
                        raise UserError(f"{self.path} ends too early: remove {self.path.parent}, and try again.")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be read ({error.strerror or error}): remove {self.path.parent}, and try again."
            ) from error
        return room_Tb[:, begin - low : stop - low].view(self.shape.dtype)

    def _opened(self) -> int:
        """Past the system's memory if the numbers have left it, and the disk's format can do that."""
        if self.behind.lets_go:
            with suppress(OSError):
                return os.open(self.path, _READ_FLAGS | os.O_DIRECT)
        return os.open(self.path, _READ_FLAGS)


def _stride(shape: PathShape) -> int:
    """Bytes from one point to the next."""
    return _whole_sectors(shape.numbers * shape.dtype.itemsize)


def _whole_sectors(num_bytes: int) -> int:
    return -(-num_bytes // _SECTOR) * _SECTOR


def _take_room(path: DiskWriting) -> None:
    try:
        os.posix_fallocate(path.descriptor, 0, path.shape.points * _stride(path.shape))
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


def _read(path: Path) -> bytes:
    try:
        return read_outside(path, _MAX_BYTES)
    except UnusableFile:
        return b""


def _refused(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written ({error.strerror or error}): make room, or set GRADVIZ_CACHE_DIR to another place."
    )
