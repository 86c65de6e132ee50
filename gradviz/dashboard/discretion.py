"""What visitors are not told: where this server keeps things, which processes it has, how its machine is called.

Messages are written for whoever runs the program, and reach its log and terminal as they are. On their way to a page
or a client, a path becomes the name of its file, and a process of a machine just a process.
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
    """Of one server: `directories`, which may have spaces in their names, are left out of what is told."""

    def __init__(self, *directories: Path, machine: str | None = None) -> None:
        absolute = {str(form) for path in directories for form in (path, path.absolute(), path.resolve())}
        # The longest first: one may lie in another.
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
    """The directory of runs as a recipe names it: by its own name alone, unless it was given from the working one."""
    return Path(runs.name) if runs.is_absolute() else runs
