"""The Dockerfile, read: what it copies is there, its commands parse, and it runs without rights."""

import ast
import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from gradviz.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in lines]


def copied() -> list[str]:
    arguments = [shlex.split(rest) for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [source for words in arguments for source in words[:-1]]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_not_ignored(source: str):
    assert (ROOT / source).exists()
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")]
    assert any(fnmatch(source, pattern) for pattern in kept)


@pytest.mark.parametrize("command", [rest for name, rest in instructions() if name == "RUN"])
def test_command_parses(command: str):
    subprocess.run(["sh", "-n", "-c", command], check=True, timeout=10)


def test_health_check_is_python_that_parses():
    [check] = [rest for name, rest in instructions() if name == "HEALTHCHECK"]
    words = json.loads(check[check.index("[") :])
    assert words[:2] == ["python", "-c"]
    ast.parse(words[2])


def test_last_stage_runs_gradviz_as_an_ordinary_user():
    last = max(k for k, (name, _) in enumerate(instructions()) if name == "FROM")
    stage = dict(instructions()[last:])
    assert stage["USER"] not in ("root", "0")
    assert json.loads(stage["CMD"]) == ["gradviz", "serve"]


def test_environment_names_settings_that_exist():
    values = " ".join(rest for name, rest in instructions() if name == "ENV")
    assert set(re.findall(r"GRADVIZ_[A-Z_]+", values)) <= {variable_name(field) for field in Settings.model_fields}


def test_base_is_a_version_that_the_package_takes():
    versions = re.findall(r"^FROM python:3\.(\d+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert versions
    assert all(int(version) >= 11 for version in versions)


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="hadolint is not there for this kind of machine")
def test_linter_finds_nothing():
    command = [BIN / "hadolint", "--no-color", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
