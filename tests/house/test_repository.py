"""The repository as a whole: documents name what there is, nothing large or private is tracked, files stay small."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from gradviz.parser import parser
from gradviz.settings import Settings, variable_name
from tests.house.index import INDEX, files, first_words, index

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GENEROUS_LINES = 300


def tracked() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


@pytest.mark.parametrize("field", Settings.model_fields)
def test_the_settings_are_documented(field: str):
    assert f"| `{variable_name(field)}` |" in SETTINGS


def test_the_documents_name_no_setting_that_is_not_there():
    named = set(re.findall(r"GRADVIZ_[A-Z_]+", README + SETTINGS))
    assert named == {variable_name(field) for field in Settings.model_fields}


def test_the_index_of_files_is_current():
    assert INDEX.read_text() == index(), "run `make index`"


def test_each_file_says_what_it_is():
    assert not [path.name for path in files() if not 10 < len(first_words(path)) < 250]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def test_links_between_documents_lead_somewhere():
    documents = [path for path in tracked() if path.suffix == ".md"]
    links = [
        (path, link) for path in documents for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text())
    ]
    assert len(links) > 20
    assert not [f"{path.name}: {link}" for path, link in links if not (path.parent / link).exists()]


def test_readme_commands_are_understood():
    commands = re.findall(r"^(?:\.venv/bin/)?gradviz .+$", README, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[1:])


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = README + (ROOT / "docs" / "development.md").read_text()
    named = set(re.findall(r"^make ([a-z-]+)$|`make ([a-z-]+)`", text, re.MULTILINE))
    assert {"setup", "run", "test", "lint"} <= {one or other for one, other in named} <= targets


def test_every_package_is_installed():
    packages = {"gradviz.assets"}
    for path in (ROOT / "gradviz").rglob("*.py"):
        packages.add(".".join(path.parent.relative_to(ROOT).parts))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages


def test_every_dependency_is_pinned():
    pins = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()}
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in wanted}
    assert names <= pins


def test_nothing_large_is_tracked():
    assert not [path for path in tracked() if path.stat().st_size > 300_000]


def test_no_package_source_or_home_directory_is_tracked():
    private = re.compile(
        r"--?(?:extra-)?index-url|find-links\s*=|pypi\.org|file:///|/(?:home|root|Users)/(?!gradviz)\w"
    )
    here = Path(__file__)
    assert not [path for path in tracked() if path != here and private.search(text_of(path))]


def test_files_hold_one_idea():
    python = [path for path in tracked() if path.suffix == ".py" and path.is_relative_to(ROOT / "gradviz")]
    assert not [path.name for path in python if len(text_of(path).splitlines()) > GENEROUS_LINES]


def test_only_commands_print():
    wrong = []
    for path in (ROOT / "gradviz").rglob("*.py"):
        room = path.relative_to(ROOT / "gradviz").parts[0]
        if room not in ("cli.py", "commands") and re.search(r"^\s*print\(", text_of(path), re.MULTILINE):
            wrong.append(path)
    assert not [path for path in wrong if path.name != "bench.py"]  # its table is its answer
