"""Writes files that are complete or absent: under a temporary name, synced to disk, then renamed."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gradviz.errors import UserError, shown
from gradviz.experiment.outside import UnusableFile, reason_of
from gradviz.experiment.private import file_mode

PARTIAL_SUFFIX = ".partial"


def write_whole(path: Path, content: bytes) -> None:
    """Replaces `path` by `content` so that a reader, a kill or a power cut sees the old file or the new, never a part.

    Raises UserError if the disk is full or refuses, and keeps the old file.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    try:
        with _opened_new(partial) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):  # the error below gives the reason
            partial.unlink()
        raise UserError(
            f"{shown(path)} cannot be written ({error.strerror or error}): make room or allow writing there, then "
            "start again; everything saved before is kept."
        ) from error


def remove_partial_files(directory: Path) -> None:
    """Removes leftovers of killed writers. Call this under the directory's lock."""
    for partial in directory.glob("*" + PARTIAL_SUFFIX):
        remove_file(partial)


def remove_file(path: Path) -> None:
    """Removes a file, or anything else but a directory with its name, if it exists; UserError if it stays."""
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be removed ({reason_of(error)}): remove it yourself.") from error


def _opened_new(path: Path) -> BinaryIO:
    """A new file that replaces anything with its name; a FIFO or a link would otherwise be opened."""
    path.unlink(missing_ok=True)
    mode = file_mode(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    os.fchmod(descriptor, mode)
    return os.fdopen(descriptor, "wb")


def is_there(path: Path) -> bool:
    """Whether something has this name; UnusableFile if that is unknown now, which is not the same as no."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise UnusableFile(path, reason_of(error)) from error
    return True


def signature(path: Path) -> tuple[int, int] | None:
    """(size, mtime in ns) of a file, by which readers notice changes; None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _sync_directory(directory: Path) -> None:
    # A rename is durable only once its directory is synced.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
