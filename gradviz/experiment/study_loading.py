"""Loads a study by name: one that ships, or FILE.py:NAME.

A study is code, so it is loaded only when whoever starts the program names it (`--study`, `GRADVIZ_STUDY`), never
because a run, a link or an upload does.
"""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gradviz.errors import UserError, shown
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.source_digest import source_digest
from gradviz.experiment.study import Study
from gradviz.experiment.users_code import same_randomness, users_code

SHIPPED: tuple[str, ...] = ("deliveries", "digits", "addition")
"""The studies that ship, each a package in `gradviz.experiment.studies` whose module `study` has a `STUDY`."""

_DEFAULT = "study"
_STUDIES = "gradviz.experiment.studies"


@dataclass(frozen=True)
class LoadedStudy:
    """A study with the name that it was loaded by, the digest of its source, and the names that its file defines.

    `made_by`: the digest of the file that makes the study, which its runs record; another if `name` imports it.
    Both are those of the code that was loaded, whatever happens to the files later.
    """

    study: Study
    name: str
    digest: str
    namespace: Mapping[str, object]
    made_by: str | None = None


def load_study(name: str, digest: str | None = None) -> LoadedStudy:
    """The study that `name` names; UserError if there is none, its code fails, or its source has another `digest`.

    Other processes pass the digest of the one that asked them, so that all compute with the same code.
    """
    path, variable = _place(name)
    try:
        found = source_digest(path)
    except UnusableFile as error:
        raise UserError(f"The study {shown(name)} cannot be loaded: {shown(path)}: {error.reason}.") from error
    if digest is not None and found != digest:
        raise UserError(
            f"{shown(path)} has changed since the study {shown(name)} was loaded elsewhere: restart all processes that "
            "use it."
        )
    module = importlib.import_module(f"{_STUDIES}.{name}.study") if name in SHIPPED else _module(path, found)
    study = getattr(module, variable, None)
    if not isinstance(study, Study):
        known = [key for key, value in vars(module).items() if isinstance(value, Study)]
        remedy = f"name one of {', '.join(known)}" if known else f"write `{_DEFAULT} = gradviz.Study(...)` there"
        got = f"no {shown(variable)}" if study is None else f"{shown(variable)}, but it is not a Study"
        raise UserError(f"{shown(path)} has {got}: {remedy}.")
    return LoadedStudy(study, name, found, vars(module), digest_of(study))


def _place(name: str) -> tuple[Path, str]:
    """The file of a study, and its variable there."""
    if name in SHIPPED:
        return Path(__file__).parent / "studies" / name / "study.py", "STUDY"
    file, colon, variable = name.rpartition(":")
    path, variable = (Path(file), variable) if colon and file.endswith(".py") else (Path(name), _DEFAULT)
    if path.suffix != ".py" or not variable.isidentifier():
        raise UserError(f"`study` must be {_known()}FILE.py:NAME, got {shown(repr(name))}.")
    return path.absolute(), variable


def digest_of(study: Study) -> str | None:
    """The digest of the source that makes a study, by which a run tells later whether it has changed; None in a
    notebook."""
    return None if study.file is None else source_digest(study.file)


def _known() -> str:
    return "".join(f"{each}, " for each in SHIPPED) + "or "


def _module(path: Path, digest: str) -> ModuleType:
    """The module of a file, run once for each version of its source in a process."""
    own = f"gradviz_study_{hashlib.sha256(f'{path} {digest}'.encode()).hexdigest()[:32]}"
    if own in sys.modules:
        return sys.modules[own]
    spec = importlib.util.spec_from_file_location(own, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A file imports its neighbours, as in `python FILE.py`, and perhaps only when it is used.
    directory = str(path.parent)
    if directory not in sys.path:
        sys.path.append(directory)
    sys.modules[own] = module  # where dataclasses look for their module
    try:
        with same_randomness(), users_code("file of the study"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[own]
        raise
    return module
