"""Files that are whole or not there: written beside under another name, brought to the disk, then renamed."""

import os
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.outside import UnusableFile

PARTIAL_SUFFIX = ".partial"


BrokenFile = UnusableFile


def write_whole(path: Path, content: bytes) -> None:
    """Replaces `path` by `content` so that a reader, a kill or a power cut sees the old file or the new, never a part.

    Raises UserError when the disk is full or refuses; the old file then stays as it is.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    try:
        with open(partial, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        _sync_directory(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): make room or allow writing there, then start "
            "again; everything saved before is kept."
        ) from error


def remove_partial_files(directory: Path) -> None:
    """Removes what a killed writer left behind. Call it under the lock of the directory."""
    for partial in directory.glob("*" + PARTIAL_SUFFIX):
        partial.unlink(missing_ok=True)


def signature(path: Path) -> tuple[int, int] | None:
    """(size, mtime in ns) of a file, by which readers know that it is unchanged; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _sync_directory(directory: Path) -> None:
    # A rename is on the disk only when its directory is.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
