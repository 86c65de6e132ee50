"""Paths on disk: what is read is what was written, from memory and past it."""

import errno
import os
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gradviz.compute.paths_behind import Behind
from gradviz.compute.paths_kept import DiskKept
from gradviz.errors import UserError
from gradviz.landscape.paths.kept import PathShape

POINTS, NUMBERS = 3, 5000  # a point is no whole number of sectors
COLUMNS = (slice(0, NUMBERS), slice(0, 1), slice(1023, 1025), slice(1024, 2048), slice(4999, NUMBERS), slice(7, 4093))


def numbers(dtype: torch.dtype) -> Tensor:
    return torch.randn((POINTS, NUMBERS), generator=torch.Generator().manual_seed(0), dtype=dtype)


def written(kept: DiskKept, name: str, numbers_TP: Tensor) -> PathShape:
    shape = PathShape(len(numbers_TP), numbers_TP.shape[1], numbers_TP.dtype)
    with kept.writing(name, shape) as path:
        for numbers_P in numbers_TP:
            path.add([numbers_P[:17], numbers_P[17:17], numbers_P[17:]])
        path.finish({"told": torch.tensor(1)})
    return shape


class Gate:
    """A disk that takes nothing before it is opened."""

    def __init__(self) -> None:
        self.calls, self._opened = 0, threading.Event()

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        assert self._opened.wait(60)

    def open(self) -> None:
        self._opened.set()


def that_lets_go(directory: Path) -> DiskKept:
    """As where new memory is slower than any disk."""
    return DiskKept(DiskKept.opened(directory).directory, Behind(memory=1e9))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("made", [DiskKept.opened, that_lets_go])
def test_any_columns_of_any_points_are_read_as_they_were_written(tmp_path: Path, made, dtype: torch.dtype):
    kept, numbers_TP = made(tmp_path / "kept"), numbers(dtype)
    shape = written(kept, "one", numbers_TP)
    written(kept, "other", -numbers_TP)
    for points in (slice(0, POINTS), slice(1, 2), slice(POINTS - 1, POINTS)):
        reading = kept.reading("one", shape, points)
        for columns in COLUMNS:
            assert torch.equal(reading(columns), numbers_TP[points, columns])
    assert kept.behind.lets_go == (made is that_lets_go)


def test_a_disk_that_cannot_be_read_past_the_memory_is_read_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept, numbers_TP, open_ = that_lets_go(tmp_path / "kept"), numbers(torch.float32), os.open
    shape, flags = written(kept, "one", numbers_TP), []

    def refusing(path: Path, flag: int, *rest: int) -> int:
        flags.append(flag)
        if flag & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return open_(path, flag, *rest)

    monkeypatch.setattr(os, "open", refusing)
    assert torch.equal(kept.reading("one", shape, slice(0, POINTS))(slice(0, NUMBERS)), numbers_TP)
    assert [bool(flag & os.O_DIRECT) for flag in flags] == [True, False]


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, False), (1e9, True)])
def test_numbers_leave_memory_only_where_the_disk_is_quicker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, expected: bool
):
    let_go, behind = [], Behind()
    monkeypatch.setattr(os, "posix_fadvise", lambda *call: let_go.append(call[1:]))
    with (tmp_path / "file").open("wb", buffering=0) as file:
        for _ in range(3):
            file.write(b"numbers")
            behind.written(file.fileno(), 7, seconds)
            behind.wait()
    assert behind.lets_go == expected
    assert let_go == [(0, 0, os.POSIX_FADV_DONTNEED)] * (3 if expected else 0)


def test_nobody_waits_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept, numbers_TP, gate = that_lets_go(tmp_path / "kept"), numbers(torch.float32), Gate()
    monkeypatch.setattr(os, "fdatasync", gate)
    shape = written(kept, "one", numbers_TP)
    written(kept, "two", numbers_TP)
    assert gate.calls <= 1
    gate.open()
    assert torch.equal(kept.reading("two", shape, slice(0, POINTS))(slice(0, NUMBERS)), numbers_TP)


def test_a_disk_that_loses_what_it_was_given_is_told_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept, numbers_TP = that_lets_go(tmp_path / "kept"), numbers(torch.float32)

    def refusing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def written_and_read() -> None:
        kept.reading("one", written(kept, "one", numbers_TP), slice(0, POINTS))(slice(0, NUMBERS))

    monkeypatch.setattr(os, "fdatasync", refusing)
    with pytest.raises(UserError, match="Input/output error"):
        written_and_read()


def test_a_file_that_was_cut_off_is_told(tmp_path: Path):
    kept, numbers_TP = DiskKept.opened(tmp_path / "kept"), numbers(torch.float32)
    shape = written(kept, "one", numbers_TP)
    os.truncate(kept.directory / "one.numbers", 20_000)
    with pytest.raises(UserError, match=r"one.numbers ends too early: remove .*kept"):
        kept.reading("one", shape, slice(0, POINTS))(slice(0, NUMBERS))


def test_what_an_older_version_has_left_is_not_gone_on_with(tmp_path: Path):
    directory = tmp_path / "kept"
    written(DiskKept.opened(directory), "one", numbers(torch.float32))
    assert DiskKept.opened(directory).get("one") is not None
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    (directory / "boot").write_bytes(boot)
    assert DiskKept.opened(directory).get("one") is None
