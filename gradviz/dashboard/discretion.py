"""Hides from visitors the paths, the processes and the name of the server's machine.

Messages are written for the operator, and reach the log and the terminal unchanged. On the way to a page or a client, a
path becomes the name of its file, and a process of a machine just "another process".
"""

import platform
import re
from pathlib import Path

from gradviz.settings import Settings

_PROCESS = re.compile(r"(?:\b(?:another )?process|\bpid) \d+(?: on [^\s,:;]+)?")
_ASIDE = re.compile(r", (?:process|pid) \d+(?: on [^\s,:;]+)?,")
_PATH = re.compile(r"(?<![\w.:/~-])~?(?:/[^\s/'\"`,:;()\[\]]+){2,}/?|(?<![\w.:/~-])~/[^\s'\"`,:;()\[\]]+")
_SHORTEST_NAME = 3


class Discretion:
    """For one server: removes its `directories`, whose names may have spaces, from messages."""

    def __init__(self, *directories: Path, machine: str | None = None) -> None:
        absolute = {str(form) for path in directories for form in (path, path.absolute(), path.resolve())}
        # Longest first, because one may contain another.
        self._directories = sorted((text for text in absolute if text.startswith("/") and text != "/"), key=len)[::-1]
        name = platform.node() if machine is None else machine
        self._machine = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])") if len(name) >= _SHORTEST_NAME else None

    @classmethod
    def of(cls, settings: Settings) -> "Discretion":
        return cls(settings.runs, settings.cache_dir, Path.home())

    def told(self, message: str) -> str:
        for directory in self._directories:
            message = message.replace(f"{directory}/", "").replace(directory, Path(directory).name)
        message = _PROCESS.sub("another process", _ASIDE.sub("", message))
        if self._machine is not None:
            message = self._machine.sub("its machine", message)
        return _PATH.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], message)


def place_of(runs: Path) -> Path:
    """The directory of runs in a recipe: only its name if the path is absolute, else the path as given."""
    return Path(runs.name) if runs.is_absolute() else runs
