"""Files that a command writes: looked at before the work begins, written beside and renamed when it is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from gradviz.errors import UserError, shown
from gradviz.experiment.files import PARTIAL_SUFFIX, write_whole
from gradviz.experiment.outside import kind_of, reason_of


def output_path(text: str, suffixes: Sequence[str], option: str = "--out") -> Path:
    """The path, if a file of one of these suffixes can be written there; UserError names the `option` otherwise."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise UserError(f"`{option}` must end in {', '.join(suffixes)}, got {text!r}.")
    kind = kind_at(path, option)
    if kind not in (None, "a file"):
        raise UserError(f"`{option}` is {kind}, {text!r}: give the name of a file.")
    kind_at(path.with_name(path.name + PARTIAL_SUFFIX), option)  # its name is longer
    if not path.parent.is_dir():
        raise UserError(f"`{option}`: there is no directory {str(path.parent)!r}; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"`{option}`: {str(path.parent)!r} is not writable; choose another directory.")
    return path


def output_directory(text: str, option: str = "--out") -> Path:
    """The path, if a directory is there or may be made; UserError names the `option` otherwise."""
    kind = kind_at(Path(text), option)
    if kind not in (None, "a directory"):
        raise UserError(f"`{option}` must be a directory, and {text} is {kind}: name another.")
    return Path(text)


def kind_at(path: Path, option: str) -> str | None:
    """What has this name: a file, a directory, a FIFO …; None if nothing has. UserError where that cannot be known."""
    try:
        return kind_of(os.stat(path).st_mode)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"`{option}` {shown(path)}: {reason_of(error)}; give another name.") from error


def write_output(path: Path, content: bytes) -> None:
    """Writes the file, whole or not at all; a file that was there before stays until then."""
    write_whole(path, content)
