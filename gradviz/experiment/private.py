"""Permissions of new files: only for the user, or, in a directory with the setgid bit, also for its group.

Runs and caches reveal their data, and a machine has other users. With the setgid bit of a directory (`chmod g+s`) an
administrator says that a group works in it together: there the group gets the user's rights. Existing directories stay
as they are, and a file is never more open than its directory.
"""

import os
import stat
from pathlib import Path

_ALONE, _TOGETHER = 0o700, stat.S_ISGID | 0o770


def make_directory(path: Path) -> None:
    """Makes `path`, and missing directories above it, for this user; OSError if that fails."""
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
    """The permissions of a new file in `directory`, even if the umask grants more."""
    status = directory.stat()
    shared = status.st_mode & 0o060 if _is_shared(status) else 0
    others = status.st_mode & 0o044
    return 0o600 | shared | (others and others & ~_umask())


def _is_shared(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_ISGID)


def _umask() -> int:
    # The system call would change it for an instant, for all threads.
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Umask:"))
    return int(line.split()[1], 8)
