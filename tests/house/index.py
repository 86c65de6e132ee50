"""The index of files, docs/files.md, from what each file says of itself: `python -m tests.house.index` writes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "files.md"
_PLACES = ("app.py", "gradviz/**/*.py", "assets/**/*.js", "assets/**/*.css", "tests/benchmarks/*.py")
_HEAD = """# The files

`make index` writes this page from what each file says of itself.
"""


def first_words(path: Path) -> str:
    """The first sentence of a module's docstring, or of the comment that a script or stylesheet begins with."""
    text = path.read_text()
    if path.suffix == ".py":
        comment = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".css":
        comment = text.removeprefix("/*").partition("*/")[0]
    else:
        lines = re.match(r"(?://.*\n|/\*\*?(?:.|\n)*?\*/)+", text)
        comment = re.sub(r"^\s*(?://|/?\*+/?) ?", "", lines[0] if lines else "", flags=re.MULTILINE)
    paragraph = " ".join(comment.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[^.]{3})\. ", paragraph)[0].rstrip(".")


def files() -> list[Path]:
    """Every file of the index, a package's `__init__` excepted."""
    found = (path for place in _PLACES for path in sorted(ROOT.glob(place)))
    return [path for path in found if path.name != "__init__.py"]


def index() -> str:
    """The page: a table for each directory."""
    return _HEAD + "".join(f"{line}\n" for line in _tables())


def _tables() -> Iterator[str]:
    room = None
    for path in sorted(files(), key=lambda path: (path.parent.relative_to(ROOT).parts, path.name)):
        if path.parent != room:
            room = path.parent
            yield from ("", f"## `{room.relative_to(ROOT)}`", "", "| file | |", "|---|---|")
        yield f"| `{path.name}` | {first_words(path).replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    INDEX.write_text(index())
