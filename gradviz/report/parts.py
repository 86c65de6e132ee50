"""The files of a report: each is made again only when its sources, or the file itself, have changed."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.files import is_there, remove_file, write_whole
from gradviz.experiment.outside import UnusableFile, read_json, read_outside

MANIFEST = "parts.json"
MAX_BYTES = 256 * 2**20


def digest(*parts: object) -> str:
    """A key of a file's sources: JSON of the parts, or their bytes."""
    state = hashlib.blake2b(digest_size=20)
    for part in parts:
        content = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, separators=(",", ":")).encode()
        state.update(len(content).to_bytes(8, "little") + content)
    return state.hexdigest()


def write_if_changed(path: Path, content: bytes) -> bool:
    """Writes the file, whole, unless it has this content already; True if it was written."""
    if is_there(path) and read_outside(path, MAX_BYTES) == content:
        return False
    write_whole(path, content)
    return True


class Parts:
    """The pictures of one report, under `directory`; `parts.json` beside them has the key of each.

    `close` removes those that were not asked for since, and no other file.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"Cannot make {directory} ({error.strerror or error}): give `--out` a directory you can write to."
            ) from error
        self._known = _read(directory / MANIFEST)
        self._asked: dict[str, dict[str, str]] = {}

    def once(self, name: str, key: str, make: Callable[[], bytes]) -> bytes:
        """The content of the file `name`, made anew if its sources have changed or the file has."""
        path = self.directory / name
        known = self._known.get(name, {})
        content = _content(path) if known.get("key") == key else None
        if content is None or _sha256(content) != known.get("sha256"):
            content = make()
            write_if_changed(path, content)
        self._asked[name] = {"key": key, "sha256": _sha256(content)}
        return content

    def close(self) -> None:
        for name in set(self._known) - set(self._asked):
            if os.path.basename(name) == name:
                remove_file(self.directory / name)
        text = json.dumps(self._asked, indent=1, sort_keys=True) + "\n"
        write_if_changed(self.directory / MANIFEST, text.encode())


def _read(path: Path) -> dict[str, dict[str, str]]:
    """The content of a manifest; nothing where it is missing or damaged, and the parts are made anew."""
    try:
        manifest = read_json(path, MAX_BYTES)
    except UnusableFile:
        return {}
    if not isinstance(manifest, dict) or not all(isinstance(part, dict) for part in manifest.values()):
        return {}
    return manifest  # pyright: ignore[reportReturnType]  (a part that says something else is made anew)


def _content(path: Path) -> bytes | None:
    try:
        return read_outside(path, MAX_BYTES)
    except UnusableFile:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
