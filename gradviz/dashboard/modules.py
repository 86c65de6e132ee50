"""Joins ES modules into one script, without node: those of the page, and of stand-alone pages.

The modules declare imports in the one form that browsers, node, linter and type checker read too:
`import { a, b } from "./other.js";`. Each becomes a function that runs once, after those that it imports. There is no
well-kept bundler as a Python package, and one from npm would burden every user of the wheel with a developers' tool;
this one is small, because the assets' imports have no circles and name what they take.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r'^import (?:\{\s*(\w+(?:,\s*\w+)*),?\s*\} from )?"(\.{1,2}/[\w./-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:(?:async )?function\*?|const|class) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^\s*(?:import|export)\b.*$|\bimport\s*[(.].*$|\bawait import\b.*$", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\w+")


@dataclass(frozen=True)
class Module:
    """One file: `imports` are the names that it takes from each other file, `exports` the names that it provides."""

    path: Path
    body: str
    imports: tuple[tuple[Path, tuple[str, ...]], ...]
    exports: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Module":
        text = path.read_text(encoding="utf-8")
        imports = tuple(
            ((path.parent / found[2]).resolve(), tuple(_NAME.findall(found[1] or "")))
            for found in _IMPORT.finditer(text)
        )
        exports = tuple(_EXPORT.findall(text))
        body = _EXPORT.sub("", _IMPORT.sub("", text))
        other = _OTHER.search(_COMMENT.sub("", body))
        if other:
            raise ValueError(
                f'{path.name}: `{other[0].strip()}` is not understood; write `import {{ a, b }} from "./other.js";`, '
                "and `export` before a function, a const or a class."
            )
        return cls(path, body, imports, exports)


def modules_of(entry: Path) -> list[Module]:
    """The entry and everything it imports, each module after its own imports."""
    return list(_in_order(entry.resolve(), {}, []))


def _in_order(path: Path, done: dict[Path, Module], above: list[Path]) -> Iterator[Module]:
    if path in above:
        circle = " → ".join(each.name for each in [*above[above.index(path) :], path])
        raise ValueError(f"These modules import each other: {circle}.")
    if path in done:
        return
    module = Module.read(path)
    for other, names in module.imports:
        yield from _in_order(other, done, [*above, path])
        missing = sorted(set(names) - set(done[other].exports))
        if missing:
            raise ValueError(f"{path.name} imports {', '.join(missing)} from {other.name}, which does not export that.")
    done[path] = module
    yield module


def assembled(entry: Path, *, default: str = "") -> str:
    """One strict script without global names that does the same as the entry module; with `default`, a module whose
    default export is that function of the entry's."""
    names: dict[Path, str] = {}
    script = _joined(modules_of(entry), names, "const $$ = {};")
    if not default:
        return script
    end = "})();\n"
    return f"export default {script.removesuffix(end)}return {names[entry.resolve()]}.{default};\n{end}"


def assembled_in_two(entry: Path, later: Path) -> tuple[str, str]:
    """The same, and a second script for the modules of `later`, to be loaded when they are wanted: it takes those that
    both need from the first, which keeps them as `window.gradvizParts`."""
    names: dict[Path, str] = {}
    first = _joined(modules_of(entry), names, "const $$ = (window.gradvizParts = {});")
    rest = [module for module in modules_of(later) if module.path not in names]
    return first, _joined(rest, names, "const $$ = window.gradvizParts;")


def _joined(modules: list[Module], names: dict[Path, str], parts_of: str) -> str:
    """`names`: what modules are called that are there, and in the end these too."""
    parts = ['(function () {\n"use strict";', parts_of]
    for module in modules:
        names[module.path] = f"$$.{module.path.stem}_{len(names)}"
        taken = [f"const {{ {', '.join(taken)} }} = {names[other]};" for other, taken in module.imports if taken]
        given = f"return {{ {', '.join(module.exports)} }};"
        parts.append(
            f"{names[module.path]} = (function () {{ // {module.path.parent.name}/{module.path.name}\n"
            + "\n".join([*taken, module.body.strip("\n"), given, "})();"])
        )
    return "\n".join([*parts, "})();\n"])
