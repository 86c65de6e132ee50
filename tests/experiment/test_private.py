"""Runs and caches are their user's, whatever the umask; only a directory that hands on its group shares them."""

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.compute.trainer_log import TrainerLog
from gradviz.experiment.files import write_whole
from gradviz.experiment.lock import run_lock
from gradviz.experiment.private import make_directory
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=lambda umask: f"umask {umask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes(root: Path) -> dict[str, set[int]]:
    found = [root, *root.rglob("*")]
    return {
        "directories": {mode(path) for path in found if path.is_dir()},
        "files": {mode(path) for path in found if path.is_file()},
    }


def test_a_run_is_its_user_s(tmp_path: Path, umask: int) -> None:
    train(tmp_path / "a" / "runs", run_configs(epochs=1, rows=200, hidden=(3, 2), variants=("none",)), device="cpu")
    assert modes(tmp_path / "a") == {"directories": {0o700}, "files": {0o600}}


def test_a_cache_is_its_user_s(tmp_path: Path, umask: int) -> None:
    with FieldCache(tmp_path / "b" / "cache") as cache:
        cache.once("small", lambda: b"value")
        cache.once("large", lambda: bytes(100_000))
        assert modes(tmp_path / "b")["directories"] == {0o700}
        assert {mode(path) for path in (tmp_path / "b").rglob("*.val")} == {0o600}


def test_the_log_and_the_lock_of_a_trainer_are_its_user_s(tmp_path: Path, umask: int) -> None:
    make_directory(tmp_path / "runs")
    TrainerLog(tmp_path / "runs" / "trainer.log").begin().close()
    with run_lock(tmp_path / "runs"):
        assert modes(tmp_path / "runs") == {"directories": {0o700}, "files": {0o600}}


def test_a_directory_that_is_there_stays_as_it_is_and_files_are_no_more_open(tmp_path: Path, umask: int) -> None:
    for permissions in (0o755, 0o777, 0o1777, 0o750):
        own = tmp_path / f"{permissions:o}"
        own.mkdir()
        own.chmod(permissions)
        make_directory(own)
        write_whole(own / "file", b"content")
        assert mode(own) == permissions
        assert mode(own / "file") == 0o600 | (permissions & 0o044 & ~umask)
        make_directory(own / "new")
        assert mode(own / "new") == 0o700


def test_a_directory_that_hands_on_its_group_shares(tmp_path: Path, umask: int) -> None:
    together = tmp_path / "together"
    together.mkdir()
    together.chmod(0o2770)
    make_directory(together / "runs" / "none")
    write_whole(together / "runs" / "none" / "file", b"content")
    assert modes(together) == {"directories": {0o2770}, "files": {0o660}}


def test_many_may_make_the_same_directory(tmp_path: Path) -> None:
    failed = []

    def make() -> None:
        try:
            make_directory(tmp_path / "a" / "b" / "c")
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    shutil.rmtree(tmp_path / "a")


@pytest.mark.parametrize("kind", ["file", "link to nothing", "below a file"])
def test_what_is_no_directory_is_an_error(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "x"
    if kind == "link to nothing":
        place.symlink_to(tmp_path / "nothing")
    else:
        place.write_text("")
    with pytest.raises(OSError, match=r"directory"):
        make_directory(place / "below" if kind == "below a file" else place)
