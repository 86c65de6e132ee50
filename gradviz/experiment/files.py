"""Writes files that are complete or absent: under a temporary name, synced to disk, then renamed."""

import os
from contextlib import suppress
from pathlib import Path

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
        _write_new(partial, content)
        os.replace(partial, path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):  # the error below gives the reason
            partial.unlink()
        raise _refused(path, error) from error


def append(path: Path, content: bytes) -> None:
    """Adds to a file, in a third of the time of `write_whole`; a power cut or a full disk may leave a part of it.

    Raises UserError if the disk is full or refuses.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            _write_all(descriptor, content)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> UserError:
    return UserError(
        f"{shown(path)} cannot be written ({error.strerror or error}): make room or allow writing there, then "
        "start again; everything saved before is kept."
    )


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


def _write_new(path: Path, content: bytes) -> None:
    """A new file, synced, that replaces anything with its name; a FIFO or a link would otherwise be opened.

    With few system calls: after each, a thread that records a training takes the interpreter from the training.
    """
    mode = file_mode(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, mode)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, flags, mode)
    try:
        os.fchmod(descriptor, mode)
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


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
