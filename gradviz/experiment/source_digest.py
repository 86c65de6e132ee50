"""The digest of a study's source: its file, and the modules beside it that it imports."""

import ast
import hashlib
from pathlib import Path

from gradviz.experiment.outside import UnusableFile, read_outside

MAX_SOURCE_BYTES = 4 * 2**20


def source_digest(path: Path) -> str:
    """Hex sha256 of a Python file and of all modules in its directory that it imports, directly or not.

    It reads the files and runs nothing, so that every process finds the same digest. UnusableFile if one cannot be
    read, or `path` is not Python.
    """
    directory = path.resolve().parent
    found: dict[Path, bytes] = {}
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = read_outside(file, MAX_SOURCE_BYTES)
            waiting += _imported(file, found[file], directory)
    digest = hashlib.sha256()
    for file in sorted(found):
        name = file.relative_to(directory) if file.is_relative_to(directory) else file.name
        digest.update(f"{name}\0{len(found[file])}\0".encode() + found[file])
    return digest.hexdigest()


def _imported(file: Path, content: bytes, directory: Path) -> list[Path]:
    """The files in `directory`, or below it, of the modules that a file imports."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError) as error:  # ValueError: a NUL byte
        raise UnusableFile(file, f"it is not Python ({error})") from error
    files = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            files += [_file_of(directory, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = directory if node.level == 0 else file.parents[node.level - 1]
            module = node.module or ""
            files.append(_file_of(base, module))
            files += [_file_of(base, f"{module}.{alias.name}".strip(".")) for alias in node.names]
    return [path for path in files if path is not None and path.is_relative_to(directory)]


def _file_of(base: Path, module: str) -> Path | None:
    place = base.joinpath(*module.split(".")) if module else base
    for path in (place / "__init__.py", place.with_name(place.name + ".py")):
        if path.is_file():
            return path.resolve()
    return None
