"""What an error of the cache's disk or database means: full for now, not to be written, or damaged for good."""

import errno
import sqlite3
from pathlib import Path

# The disk's state, not the database's: nothing would be gained by starting afresh.
_OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: Exception) -> bool:
    """Whether there was no room, and may be later."""
    if isinstance(error, sqlite3.DatabaseError):
        return _primary_code(error) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def is_of_the_disk(error: sqlite3.DatabaseError) -> bool:
    """Whether the database may be sound, and only cannot be written or read now."""
    return _primary_code(error) in _OF_THE_DISK


def is_sound(database: Path) -> bool:
    """Whether the file is a whole database of diskcache. Costs a read of all of it."""
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
