"""Output files of a command: checked before the work, written under a temporary name, renamed at the end."""

import os
from collections.abc import Sequence
from pathlib import Path

from gradviz.errors import UserError, shown
from gradviz.experiment.files import PARTIAL_SUFFIX, write_whole
from gradviz.experiment.outside import kind_of, reason_of


def output_path(text: str, suffixes: Sequence[str], option: str = "--out") -> Path:
    """The path, if a file with one of these suffixes can be written there; otherwise UserError names the `option`."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise UserError(f"`{option}` must end in {', '.join(suffixes)}, got {text!r}.")
    kind = kind_at(path, option)
    if kind not in (None, "a file"):
        raise UserError(f"`{option}` is {kind}, {text!r}: give the name of a file.")
    kind_at(path.with_name(path.name + PARTIAL_SUFFIX), option)  # its name is longer
    if not path.parent.is_dir():
        raise UserError(f"`{option}`: the directory {str(path.parent)!r} does not exist; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"`{option}`: {str(path.parent)!r} is not writable; choose another directory.")
    return path


def output_directory(text: str, option: str = "--out") -> Path:
    """The path, if it is a directory or can become one; otherwise UserError names the `option`."""
    kind = kind_at(Path(text), option)
    if kind not in (None, "a directory"):
        raise UserError(f"`{option}` must be a directory, but {text} is {kind}: name another.")
    return Path(text)


def kind_at(path: Path, option: str) -> str | None:
    """The kind of the path: a file, a directory, a FIFO …; None if it does not exist. UserError if unknown."""
    try:
        return kind_of(os.stat(path).st_mode)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"`{option}` {shown(path)}: {reason_of(error)}; give another name.") from error


def write_output(path: Path, content: bytes) -> None:
    """Writes the complete file or nothing; an existing file stays until then."""
    write_whole(path, content)
