"""The cache: what is stored comes back, one computation for all who ask, and no damage is fatal."""

import multiprocessing
import os
import pickle
import signal
import sqlite3
import threading
from contextlib import closing
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

import diskcache
import pytest

from gradviz.compute.bytes_disk import BytesDisk
from gradviz.compute.cache import FieldCache
from gradviz.errors import UserError

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def cache(tmp_path: Path):
    with FieldCache(tmp_path / "cache") as cache:
        yield cache


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000], ids=lambda size: f"{size} bytes")
def test_what_is_stored_comes_back(cache: FieldCache, size: int):
    value = os.urandom(size)
    cache.set("key", value)
    assert cache.get("key") == value
    assert cache.get("another key") is None


def test_values_are_shared_between_openings(tmp_path: Path):
    with FieldCache(tmp_path) as first, FieldCache(tmp_path) as second:
        first.set("key", b"value")
        assert second.get("key") == b"value"


def test_disk_refuses_to_pickle(tmp_path: Path):
    with diskcache.Cache(str(tmp_path), disk=BytesDisk) as raw:
        with pytest.raises(TypeError, match="bytes"):
            raw.set("key", {"a": 1})
        with pytest.raises(TypeError, match="text"):
            raw.set(("a", 1), b"value")


def test_a_pickle_put_into_the_database_is_not_unpickled(tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    with FieldCache(tmp_path / "cache") as cache:
        cache.set("key", b"value")
        database = next((tmp_path / "cache").glob("*/cache.db"))
        connection = sqlite3.connect(database)
        connection.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb()),))
        connection.commit()
        connection.close()
        assert cache.get("key") is None
        assert not (tmp_path / "exploded").exists()


LARGE = bytes(100_000)  # a file of its own


def altered(directory: Path, statement: str, *values: object) -> None:
    [database] = directory.glob("*/cache.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement, values)


def outside(tmp_path: Path) -> Path:
    precious = tmp_path / "precious" / ("0" * 28 + ".val")
    precious.parent.mkdir()
    precious.write_bytes(LARGE)
    return precious


NAMES = {
    "above": "../../precious/{name}",
    "above, from a folder": "ab/../../../precious/{name}",
    "absolute": "{absolute}",
    "a link": "ab/cd/{name}",
    "a link of a folder": "link/cd/{name}",
    "the database": "cache.db",
    "nothing": "",
    "the folder": ".",
    "NUL": "ab/cd/\0",
    "a number": 7,
    "bytes": b"../../precious",
    "long": "a/" * 5000,
    "in capitals": "AB/CD/{name}",
    "a line end": "ab/cd/{name}\n",
}


@pytest.mark.parametrize("written", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("mode", [2, 3, 4])
def test_a_file_that_the_database_names_outside_is_neither_read_nor_removed(tmp_path: Path, written, mode: int):
    precious = outside(tmp_path)
    with FieldCache(tmp_path / "cache") as cache:
        cache.set("key", LARGE)
        [answers] = (tmp_path / "cache").glob("answers*")
        for folder in ("ab/cd", "AB/CD"):
            (answers / folder).mkdir(parents=True, exist_ok=True)
        (answers / "ab" / "cd" / precious.name).symlink_to(precious)
        (answers / "link").symlink_to(answers / "ab")
        if isinstance(written, str):
            written = written.format(name=precious.name, absolute=precious)
        altered(tmp_path / "cache", "UPDATE Cache SET filename = ?, mode = ?", written, mode)
        assert cache.get("key") is None
        cache.set("key", b"anew")
        altered(tmp_path / "cache", "UPDATE Cache SET filename = ?", written)
        cache.set("key", LARGE)
        assert cache.get("key") == LARGE
    assert precious.read_bytes() == LARGE
    assert (answers / "cache.db").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE Cache SET mode = 'text'",
        "UPDATE Cache SET mode = NULL",
        "UPDATE Cache SET mode = 1, value = 'text', filename = NULL",
        "UPDATE Cache SET mode = 1, value = 7, filename = NULL",
        "UPDATE Cache SET mode = 1, value = NULL",
        "UPDATE Cache SET value = x'00'",
        "UPDATE Cache SET filename = NULL",
        "UPDATE Cache SET size = 'many', access_time = 'soon', expire_time = 'never'",
        "INSERT INTO Settings VALUES ('disk_another', 1)",
        "INSERT OR REPLACE INTO Settings VALUES ('disk_min_file_size', 'small')",
        "INSERT OR REPLACE INTO Settings VALUES ('cull_limit', 'all')",
        "INSERT OR REPLACE INTO Settings VALUES ('sqlite_journal_mode', 'none of them')",
        "INSERT OR REPLACE INTO Settings VALUES ('sqlite_x; DROP TABLE Cache', 1)",
        "INSERT OR REPLACE INTO Settings VALUES ('size', 'much')",
        "INSERT OR REPLACE INTO Settings VALUES ('count', NULL)",
        "INSERT OR REPLACE INTO Settings VALUES ('eviction_policy', 'none of them')",
        "INSERT OR REPLACE INTO Settings VALUES (x'00', 1)",
    ],
)
def test_whatever_stands_in_the_database_the_cache_goes_on(tmp_path: Path, statement: str):
    with FieldCache(tmp_path / "cache") as cache:
        cache.set("key", LARGE)
        altered(tmp_path / "cache", statement)
        assert cache.get("key") in (None, LARGE)
    with FieldCache(tmp_path / "cache", size_limit=2**20) as cache:
        for k in range(3):
            cache.set(f"{k}", LARGE)
        cache.set("key", LARGE)
        assert cache.get("key") == LARGE


def test_a_database_that_is_a_link_is_not_written_through(tmp_path: Path):
    another = tmp_path / "another.db"
    with closing(sqlite3.connect(another)) as connection, connection:
        connection.execute("CREATE TABLE mine (value)")
    before = another.read_bytes()
    (tmp_path / "cache" / "answers-1").mkdir(parents=True)
    (tmp_path / "cache" / "answers-1" / "cache.db").symlink_to(another)
    with FieldCache(tmp_path / "cache") as cache:
        cache.set("key", b"value")
        assert cache.get("key") == b"value"
    assert another.read_bytes() == before


def test_size_limit_is_held(tmp_path: Path):
    limit = 4 * 1024**2
    with FieldCache(tmp_path, size_limit=limit) as cache:
        for k in range(60):
            cache.set(str(k), os.urandom(200_000))
        on_disk = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        assert on_disk < 2 * limit
        assert cache.get("59") is not None
        assert cache.get("0") is None


@pytest.mark.parametrize("size", [1000, 100_000], ids=["in the database", "in a file"])
def test_damaged_answer_is_computed_again(tmp_path: Path, size: int):
    with FieldCache(tmp_path) as cache:
        cache.set("key", b"a" * size)
        if size > 50_000:
            next(tmp_path.rglob("*.val")).write_bytes(b"b" * size)
        else:
            connection = sqlite3.connect(next(tmp_path.rglob("cache.db")))
            connection.execute("UPDATE Cache SET value = ?", (b"b" * size,))
            connection.commit()
            connection.close()
        assert cache.get("key") is None
        assert cache.once("key", lambda: b"again") == b"again"
        assert cache.get("key") == b"again"


@pytest.mark.parametrize("content", [b"", b"no database", os.urandom(200_000)], ids=["empty", "text", "noise"])
def test_damaged_database_is_started_afresh_when_opened(tmp_path: Path, content: bytes):
    with FieldCache(tmp_path) as cache:
        cache.set("key", b"value")
    next(tmp_path.rglob("cache.db")).write_bytes(content)
    with FieldCache(tmp_path) as cache:
        assert cache.once("key", lambda: b"again") == b"again"
        assert cache.get("key") == b"again"


def test_database_damaged_under_an_open_cache_is_started_afresh(tmp_path: Path):
    with FieldCache(tmp_path) as cache:
        cache.set("key", b"value" * 1000)
        for path in tmp_path.rglob("cache.db*"):
            path.write_bytes(os.urandom(path.stat().st_size))
        assert cache.once("key", lambda: b"again") == b"again"
        cache.set("another", b"value")
        assert cache.get("another") == b"value"


def test_directory_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="GRADVIZ_CACHE_DIR"):
        FieldCache(tmp_path / "file" / "cache")


def test_threads_that_ask_together_compute_once(cache: FieldCache):
    calls: list[int] = []
    barrier = threading.Barrier(6)
    answers: list[bytes] = []

    def compute() -> bytes:
        calls.append(1)
        return b"value"

    def ask() -> None:
        barrier.wait()
        answers.append(cache.once("key", compute))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(calls), answers) == (1, [b"value"] * 6)


def _ask_in_a_process(directory: Path, barrier: Barrier) -> None:
    def compute() -> bytes:
        with open(directory / "calls", "ab") as calls:
            calls.write(b"x")
        return b"value"

    with FieldCache(directory / "cache") as cache:
        barrier.wait(60)
        assert cache.once("key", compute) == b"value"


def test_processes_that_ask_together_compute_once(tmp_path: Path):
    barrier = SPAWN.Barrier(2)
    processes = [SPAWN.Process(target=_ask_in_a_process, args=(tmp_path, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (tmp_path / "calls").read_bytes() == b"x"
    assert list((tmp_path / "cache" / "locks").iterdir()) == []


def _compute_for_ever(directory: Path, started: Event) -> None:
    def compute() -> bytes:
        started.set()
        signal.pause()
        return b"never"

    with FieldCache(directory) as cache:
        cache.once("key", compute)


def test_killed_computer_blocks_nobody(tmp_path: Path):
    started = SPAWN.Event()
    process = SPAWN.Process(target=_compute_for_ever, args=(tmp_path, started))
    process.start()
    assert started.wait(60)
    with FieldCache(tmp_path) as cache:
        answers: list[bytes] = []
        waiting = threading.Thread(target=lambda: answers.append(cache.once("key", lambda: b"value")))
        waiting.start()
        process.kill()
        process.join(60)
        waiting.join(60)
        assert answers == [b"value"]


def test_failed_computation_is_not_kept(cache: FieldCache):
    def fail() -> bytes:
        raise UserError("no")

    with pytest.raises(UserError):
        cache.once("key", fail)
    assert cache.once("key", lambda: b"value") == b"value"
