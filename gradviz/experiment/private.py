"""Who may read what this program makes: its user alone, or, in a directory that hands on its group, that group.

Runs tell of their data and a cache of both, and a machine has other users. By the setgid bit of a directory (`chmod
g+s`) an administrator says that a group works in it together: there the group gets what the user has. Directories that
are there already stay as they are, and a file is never more open than the directory that it lies in.
"""

import os
import stat
from pathlib import Path

_ALONE, _TOGETHER = 0o700, stat.S_ISGID | 0o770


def make_directory(path: Path) -> None:
    """Makes `path`, and what is missing above it, for this user; OSError where that cannot be done."""
    missing = []
    place = path
    while not place.exists():
        missing.append(place)
        place = place.parent
    for directory in reversed(missing):
        try:
            directory.mkdir(_ALONE)
        except FileExistsError:  # another process has made it
            continue
        directory.chmod(_TOGETHER if _is_shared(directory.parent.stat()) else _ALONE)
    if not path.is_dir():
        raise NotADirectoryError(20, "it is not a directory", str(path))


def file_mode(directory: Path) -> int:
    """The permissions of a new file in `directory`, whatever the umask grants beyond it."""
    status = directory.stat()
    shared = status.st_mode & 0o060 if _is_shared(status) else 0
    return 0o600 | shared | (status.st_mode & 0o044 & ~_umask())


def _is_shared(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_ISGID)


def _umask() -> int:
    # To ask the system for it is to change it for an instant, for all threads.
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Umask:"))
    return int(line.split()[1], 8)
