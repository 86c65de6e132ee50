"""Makes a site: its size told beforehand, its files beside their place until all are there, and renamed at the end."""

import base64
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradviz
from gradviz.errors import UserError, shown
from gradviz.publish.pages import Pages, packed
from gradviz.publish.questions import Get, Group

MARK = "gradviz-site.json"
"""The file by which a directory is known as a site."""
DATA = "data"
MEGABYTE = 1e6
DISK_BYTES = 20 * MEGABYTE
"""The largest site that also opens from disk: its data are then there a second time, as scripts."""
_START_BYTES = 60_000
_INDEX_BYTES = 25
"""Compressed bytes of a question in the index."""
_TWIN = 4 / 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Expected:
    """The size of a site before it is computed: of its page, and of each group, in bytes."""

    page: int
    groups: Mapping[str, int]
    spares: Mapping[str, str]

    @property
    def once(self) -> int:
        return self.page + sum(self.groups.values())

    @property
    def opens_from_disk(self) -> bool:
        return self.once <= DISK_BYTES

    @property
    def whole(self) -> int:
        return round(self.once * (1 + _TWIN)) if self.opens_from_disk else self.once

    def check(self, limit_bytes: float) -> None:
        """UserError beyond the limit, with what to leave out."""
        if self.whole <= limit_bytes:
            return
        largest = sorted(self.groups, key=lambda name: -self.groups[name])[:3]
        parts = "; ".join(f"{name} {_mb(self.groups[name])} ({self.spares[name]})" for name in largest)
        raise UserError(
            f"The site would take about {_mb(self.whole)}, and --limit-mb is {limit_bytes / MEGABYTE:g}: leave "
            f"something out, or raise the limit. The largest parts: {parts}."
        )


def expected(pages: Pages, groups: Sequence[Group], get: Get) -> Expected:
    """From the page's own files and a few answers of each group, which are computed for it and kept."""
    plain = sum(map(len, pages.plain().values())) + sum(map(len, pages.scripts.values()))
    num_questions = sum(len(file.questions) for group in groups for file in group.files)
    sizes = {group.name: _expected_of(group, get) for group in groups}
    spares = {group.name: group.spare for group in groups}
    return Expected(plain + _START_BYTES + _INDEX_BYTES * num_questions, sizes, spares)


def _expected_of(group: Group, get: Get) -> int:
    if not group.files:
        return 0
    if group.expected_bytes is not None:
        return group.expected_bytes * len(group.files)
    every = max(1, len(group.files) // 4)
    sampled = group.files[every // 2 :: every][:4]
    sizes = [
        len(packed(file.content(get))) if file.sample is None else file.sample[1] * len(packed(file.sample[0](get)))
        for file in sampled
    ]
    return round(len(group.files) * sum(sizes) / len(sizes))


def check_place(out: Path) -> None:
    """UserError unless a site may be written there: nothing, an empty directory, or a site."""
    if not out.exists():
        if not out.absolute().parent.is_dir():
            raise UserError(f"`--out`: the directory {shown(out.absolute().parent)} does not exist; make it first.")
        return
    if not out.is_dir() or out.is_symlink():
        raise UserError(f"`--out` must be a directory, but {shown(out)} is none: name another.")
    if any(out.iterdir()) and not (out / MARK).is_file():
        raise UserError(f"`--out` {shown(out)} is not empty and no site of gradviz: name another directory.")


def take_place(made: Path, out: Path) -> None:
    """Puts a complete site in its place, readable for all whom the umask lets read; an older one goes."""
    place = out.absolute()
    old = place.with_name(f".{place.name}.{os.getpid()}.old")
    os.umask(mask := os.umask(0))
    for path in (made, *made.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
    check_place(place)  # it may have become something else meanwhile
    try:
        if place.exists():
            place.rename(old)
        made.rename(place)
    except OSError as error:
        if old.exists() and not place.exists():
            old.rename(place)
        raise UserError(f"`--out`: {shown(out)} cannot be replaced ({error.strerror}); name another.") from error
    finally:
        shutil.rmtree(old, ignore_errors=True)


class Writer:
    """Writes a site's files into a directory; UserError as soon as they take more than the limit."""

    def __init__(self, directory: Path, limit_bytes: float, *, also_from_disk: bool) -> None:
        self.bytes = 0
        self.index: dict[str, str] = {}
        self._directory, self._limit, self._also = directory, limit_bytes, also_from_disk
        for name in (DATA, "bundles"):
            (directory / name).mkdir()

    def group(self, group: Group, get: Get) -> None:
        for file in group.files:
            name = f"{len(self.index)}"
            self.index |= dict.fromkeys(file.questions, name)
            self.data(name, packed(file.content(get)))

    def data(self, name: str, content: bytes) -> None:
        """Compressed content under a name, and where small sites open from disk the script that gives it."""
        self.plain(f"{DATA}/{name}.bin", content)
        if self._also:
            self.plain(f"{DATA}/{name}.js", f'gradvizGive("{name}","{base64.b64encode(content).decode()}");'.encode())

    def plain(self, name: str, content: bytes) -> None:
        self.bytes += len(content)
        if self.bytes > self._limit:
            raise UserError(
                f"The site takes more than --limit-mb {self._limit / MEGABYTE:g}, which was not expected: leave "
                "something out, or raise the limit."
            )
        try:
            (self._directory / name).write_bytes(content)
        except OSError as error:
            raise UserError(
                f"The site cannot be written ({error.strerror}): make room, or name another --out."
            ) from error

    def mark(self, opens_from_disk: bool) -> None:
        told = {"made_by": f"gradviz {gradviz.__version__}", "opens_from_disk": opens_from_disk}
        self.plain(MARK, json.dumps(told).encode())


def write(
    writer: Writer,
    pages: Pages,
    groups: Sequence[Group],
    start: Callable[[Mapping[str, str]], bytes],
    get: Get,
    say: Say,
) -> None:
    """Everything of the site; `start` makes what the page begins with, from the index of questions."""
    for name, content in pages.plain().items():
        writer.plain(name, content)
    for name, content in pages.scripts.items():
        writer.data(name, content)
    for number, group in enumerate(groups, 1):
        before = writer.bytes
        writer.group(group, get)
        many = f"{len(group.files)} {'file' if len(group.files) == 1 else 'files'}"
        say(f"[{number}/{len(groups)}] {group.name}: {many}, {_mb(writer.bytes - before)}")
    writer.data("start", packed(start(writer.index)))


def _mb(size: float) -> str:
    return f"{size / MEGABYTE:.1f} MB"
