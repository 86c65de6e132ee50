"""Faults of the disk under the cache: an answer is given all the same, the log says so once, readiness tells."""

import errno
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import diskcache
import pytest
from filelock import FileLock

from gradviz.compute import cache as cache_module
from gradviz.compute.cache import FieldCache
from gradviz.errors import UserError


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("injected")
    error.sqlite_errorcode = code
    return error


FULL = (OSError(errno.ENOSPC, "No space left on device"), sqlite_error(sqlite3.SQLITE_FULL))
OTHER = (OSError(errno.EIO, "Input/output error"), OSError(errno.EROFS, "Read-only file system"), diskcache.Timeout())
DATABASE = (sqlite_error(sqlite3.SQLITE_READONLY), sqlite_error(sqlite3.SQLITE_BUSY), sqlite_error(sqlite3.SQLITE_FULL))


def raising(error: Exception) -> Callable[..., object]:
    def fail(*_arguments: object, **_options: object) -> object:
        raise error

    return fail


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[FieldCache]:
    with FieldCache(tmp_path / "cache") as cache:
        yield cache


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1000.0]
    with monkeypatch.context() as patch:
        patch.setattr(cache_module.time, "monotonic", lambda: now[0])
        yield now


@pytest.mark.parametrize("error", [*FULL, *OTHER, *DATABASE], ids=repr)
def test_what_cannot_be_kept_is_answered_and_said_once(
    cache: FieldCache, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with monkeypatch.context() as patch:
        patch.setattr(diskcache.Cache, "set", raising(error))
        assert [cache.once(key, key.encode) for key in "aba"] == [b"a", b"b", b"a"]
        assert "kept" in cache.fault()
    assert len(caplog.records) == 1
    assert cache.fault() == ""
    assert cache.once("a", lambda: b"again") == b"again"
    assert cache.get("a") == b"again"


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_a_disk_that_is_full_at_the_start_stops_nobody(
    tmp_path: Path, error: Exception, clock: list[float], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(diskcache, "Cache", raising(error))
        cache = FieldCache(tmp_path)
        assert cache.once("a", lambda: b"first") == b"first"
        assert cache.once("a", lambda: b"second") == b"second"
        assert cache.fault()
    assert cache.once("a", lambda: b"too soon") == b"too soon"
    clock[0] += 60
    assert cache.once("a", lambda: b"kept") == b"kept"
    assert cache.once("a", lambda: b"not asked") == b"kept"
    assert cache.fault() == ""


def test_a_directory_that_is_a_file_is_refused_or_lived_without(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="GRADVIZ_CACHE_DIR"):
        FieldCache(tmp_path / "file")
    cache = FieldCache(tmp_path / "file", insist=False)
    assert cache.once("a", lambda: b"answer") == b"answer"
    assert "cannot be written" in cache.fault()


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "no"), OSError(errno.ENOSPC, "full"), NotImplementedError("no flock")],
    ids=repr,
)
def test_answers_need_no_lock(
    cache: FieldCache, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(FileLock, "acquire", raising(error))
    assert [cache.once(key, key.encode) for key in "aba"] == [b"a", b"b", b"a"]
    assert cache.get("b") == b"b"
    assert len(caplog.records) == 1


@pytest.mark.parametrize("place", ["a file", "nothing"])
def test_a_directory_of_locks_that_is_none_is_lived_without_and_told(cache: FieldCache, place: str):
    locks = cache.directory / "locks"
    shutil.rmtree(locks)
    if place == "a file":
        locks.write_text("")
    assert "cannot be written" in cache.fault()
    assert cache.once("a", lambda: b"answer") == b"answer"


def test_a_lock_that_cannot_be_removed_costs_no_answer(cache: FieldCache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "unlink", raising(PermissionError(errno.EACCES, "no")))
    assert cache.once("a", lambda: b"answer") == b"answer"
    assert cache.once("b", lambda: b"answer") == b"answer"


def test_what_computing_raises_is_not_taken_for_a_fault_of_the_lock(
    cache: FieldCache, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(PermissionError), caplog.at_level(logging.WARNING):
        cache.once("a", raising(PermissionError("of the computation")))  # pyright: ignore[reportArgumentType]
    assert not caplog.records


def test_a_full_disk_is_named_and_nothing_of_the_probe_stays(cache: FieldCache, monkeypatch: pytest.MonkeyPatch):
    before = sorted(cache.directory.rglob("*"))
    assert cache.fault() == ""
    assert [path for path in sorted(cache.directory.rglob("*")) if path.suffix == ".val"] == []
    assert {path for path in before if path.is_file()} >= {
        path for path in cache.directory.rglob("*") if path.parent.name == "locks"
    }
    monkeypatch.setattr(Path, "write_bytes", raising(OSError(errno.ENOSPC, "No space left on device")))
    assert cache.fault() == "The disk of the cache is full: answers are not kept."


def test_an_answer_kept_a_moment_ago_is_proof_and_one_that_was_not_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with FieldCache(tmp_path) as cache:
        cache.set("key", b"answer")
        opened = cache._opened()
        assert opened is not None
        asked = []

        def full(*_: object) -> None:
            asked.append(1)
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(opened, "set", full)
        assert cache.fault() == ""
        assert asked == []
        cache.set("key", b"another")
        assert "kept" in cache.fault()
        assert len(asked) == 2
