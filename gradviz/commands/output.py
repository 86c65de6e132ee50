"""Files that a command writes: looked at before the work begins, written beside and renamed when it is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.files import write_whole


def output_path(text: str, suffixes: Sequence[str]) -> Path:
    """The path, if a file of one of these suffixes can be written there; UserError otherwise."""
    path = Path(text)
    if path.suffix.lower() not in suffixes:
        raise UserError(f"`--out` must end in {', '.join(suffixes)}, got {text!r}.")
    if path.is_dir():
        raise UserError(f"`--out` is a directory, {text!r}: give the name of a file.")
    if not path.parent.is_dir():
        raise UserError(f"`--out`: there is no directory {str(path.parent)!r}; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"`--out`: {str(path.parent)!r} is not writable; choose another directory.")
    return path


def write_output(path: Path, content: bytes) -> None:
    """Writes the file, whole or not at all; a file that was there before stays until then."""
    write_whole(path, content)
