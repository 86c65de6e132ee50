"""Interprets errors of the cache's disk or database: full for now, not writable, or permanently damaged."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

from diskcache.core import DEFAULT_SETTINGS, METADATA

# Faults of the disk, not of the database: a new database would not help.
_OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: Exception) -> bool:
    """Whether the disk was full, and may have room later."""
    if isinstance(error, sqlite3.DatabaseError):
        return _primary_code(error) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def is_of_the_disk(error: sqlite3.DatabaseError) -> bool:
    """Whether the database may be intact, but cannot be written or read now."""
    return _primary_code(error) in _OF_THE_DISK


def check_is_ours(database: Path) -> None:
    """DatabaseError if it is a link, or has settings or counts that diskcache never writes and fails on."""
    if database.is_symlink():
        raise sqlite3.DatabaseError("its database is a symbolic link")
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection:
        try:
            rows = connection.execute("SELECT key, typeof(value) FROM Settings").fetchall()
        except sqlite3.OperationalError as error:
            if is_of_the_disk(error) or "no such table" not in str(error):
                raise
            return  # not made yet
    wrong = [key for key, _ in rows if key not in DEFAULT_SETTINGS and key not in METADATA]
    wrong += [key for key, kind in rows if key in METADATA and kind != "integer"]
    if wrong:
        raise sqlite3.DatabaseError("its database has settings of another program")


def is_sound(database: Path) -> bool:
    """Whether the file is an intact database of diskcache. Reads all of it."""
    try:
        connection = sqlite3.connect(database)
    except sqlite3.DatabaseError:
        return False
    try:
        connection.execute("SELECT COUNT(*) FROM Cache, Settings LIMIT 1")
        return connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _primary_code(error: sqlite3.DatabaseError) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
