"""The lessons at hand: those of the package, then those of a folder that the server's owner names (`--lessons`)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import gradviz
from gradviz.dashboard.lesson_file import Broken, Lesson, read_lesson
from gradviz.errors import UserError, shown
from gradviz.experiment.outside import UnusableFile, read_outside

MOST_FILES = 100
MOST_BYTES = 256 * 1024

_FILE = re.compile(r"(?:(\d{1,4})-)?([a-z0-9][a-z0-9-]{0,39})\.md")


@dataclass(frozen=True)
class Lessons:
    """`lessons` by key, in order; `broken`: a line for each mistake of a file that is left out."""

    lessons: dict[str, Lesson]
    broken: list[str]


def own_folder() -> Path:
    """The folder of the package's lessons."""
    return Path(gradviz.__file__).parent / "lessons"


def lessons_at_hand(folder: Path | None) -> Lessons:
    """All lessons; one of `folder` takes the place of the package's of the same key. Never raises for a file."""
    found = _of(own_folder())
    if folder is None:
        return found
    named = _of(folder)
    return Lessons(found.lessons | named.lessons, found.broken + named.broken)


def _of(folder: Path) -> Lessons:
    lessons: dict[str, Lesson] = {}
    broken: list[str] = []
    try:
        files = sorted((each for each in folder.iterdir() if each.suffix == ".md"), key=_order)
    except OSError as error:
        return Lessons({}, [f"The folder of lessons, {shown(folder)}, cannot be read: {error.strerror}."])
    if len(files) > MOST_FILES:
        broken.append(f"{folder.name} has {len(files)} files, of which the first {MOST_FILES} are read.")
    for path in files[:MOST_FILES]:
        if path.name == "README.md":
            continue
        try:
            lesson = _read(path)
            if lesson.key in lessons:
                raise Broken(path.name, [f"another file has the key `{lesson.key}` too: give it another name."])
            lessons[lesson.key] = lesson
        except Broken as error:
            broken += error.mistakes
    return Lessons(lessons, broken)


def _order(path: Path) -> tuple[int, str]:
    found = _FILE.fullmatch(path.name)
    return (int(found[1]) if found and found[1] else 10_000, path.name)


def _read(path: Path) -> Lesson:
    found = _FILE.fullmatch(path.name)
    if not found:
        raise Broken(shown(path.name), ["name it NUMBER-KEY.md or KEY.md, the key of a–z, 0–9 and -, at most 40."])
    try:
        text = read_outside(path, MOST_BYTES).decode("utf-8-sig")
    except UnusableFile as error:
        raise Broken(path.name, [f"it cannot be read: {error.reason}."]) from None
    except UnicodeDecodeError as error:
        raise Broken(path.name, [f"byte {error.start} is not UTF-8: save it as UTF-8."]) from None
    return _parsed(found[2], path.name, text)


@lru_cache(maxsize=2 * MOST_FILES)
def _parsed(key: str, file: str, text: str) -> Lesson:
    return read_lesson(key, file, text)


def lesson_of(folder: Path | None, key: str) -> Lesson:
    """One lesson; UserError names those that there are."""
    lessons = lessons_at_hand(folder).lessons
    if key not in lessons:
        raise UserError(f"There is no lesson `{shown(key)}`: there are {', '.join(lessons)}.")
    return lessons[key]
