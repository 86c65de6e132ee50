"""A study is loaded by the name of its file, once and unchanged; what is wrong there is told by its own line."""

import os
import random
from pathlib import Path

import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.source_digest import source_digest
from gradviz.experiment.study_loading import digest_of, load_study

GOOD = """
import random

import torch

import gradviz
from neighbour import WIDTH

torch.manual_seed(3), random.seed(3)

def make_model():
    return torch.nn.Linear(WIDTH, 1)

def loss(model, batch):
    return model(batch).squeeze(-1)

study = gradviz.Study("mine", make_model, loss)
other = gradviz.Study("other", make_model, loss)
number = 3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "neighbour.py").write_text("WIDTH = 3\n")
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    return path


@pytest.fixture(autouse=True)
def _forget_neighbours():
    yield
    __import__("sys").modules.pop("neighbour", None)


def test_a_study_is_loaded_by_file_and_name_and_leaves_the_random_states(file: Path):
    before = torch.get_rng_state().sum(), random.getstate()
    loaded = load_study(f"{file}:study")
    assert (torch.get_rng_state().sum(), random.getstate()) == before
    assert loaded.study.name == "mine"
    assert loaded.study.model().in_features == 3
    assert load_study(f"{file}:other").study.name == "other"
    assert load_study(str(file)).study is loaded.study  # its file runs once
    assert loaded.namespace["WIDTH"] == 3
    assert loaded.digest == digest_of(loaded.study) == source_digest(file)


def test_a_relative_name_is_that_of_the_working_directory(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(file.parent)
    assert load_study("mine.py:study").study.file == file


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mine", "FILE.py:NAME, got 'mine'"),
        ("DIR/mine.py:not a name", "FILE.py:NAME"),
        ("DIR/nothing.py:study", "there is no such file"),
        ("DIR:study", "FILE.py:NAME"),
        ("DIR/mine.py:studdy", "has no studdy: name one of study, other"),
        ("DIR/mine.py:number", "has number, but it is not a Study: name one of study, other"),
        ("DIR/neighbour.py:study", r"write `study = gradviz.Study\(\.\.\.\)` there"),
    ],
)
def test_a_wrong_name_gets_one_line(file: Path, name: str, told: str):
    with pytest.raises(UserError, match=told) as caught:
        load_study(name.replace("DIR", str(file.parent)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import gradviz\n\nstudy = gradviz.Study('two words', None, None)\n", "`name` of a study"),
        ("x = 1\ny = x / 0\n", r"fails in mine.py, line 2 \(`y = x / 0`\): ZeroDivisionError: division by zero"),
        ("def f(:\n    pass\n", r"is not Python \(invalid syntax .*line 1"),
        ("import nowhere_at_all\n", r"mine.py, line 1 \(`import nowhere_at_all`\): ModuleNotFoundError"),
        ("import argparse\nargparse.ArgumentParser().exit(3)\n", r"line 2 .*SystemExit: 3"),
        ("import neighbour\nneighbour.nothing()\n", r"mine.py, line 2 .*AttributeError"),
    ],
)
def test_an_error_in_the_file_is_told_by_its_own_line(file: Path, source: str, told: str):
    file.write_text(source)
    with pytest.raises(UserError, match=told):
        load_study(f"{file}:study")


def test_the_digest_is_of_the_file_and_of_what_it_imports_beside_it(tmp_path: Path):
    def written(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    written("a.py", "import os, b\nfrom parts import c\nfrom parts.d import thing\n\ndef late():\n    import e\n")
    for name in ("b.py", "e.py", "parts/__init__.py", "parts/c.py", "parts/d.py", "unrelated.py"):
        written(name, "thing = 1\n")
    written("parts/d.py", "from . import f\nfrom .. import b\nthing = 1\n")
    written("parts/f.py", "import a\n")  # a circle
    digests = [source_digest(tmp_path / "a.py")]
    written("unrelated.py", "thing = 2\n")
    assert source_digest(tmp_path / "a.py") == digests[0]
    for name in ("a.py", "b.py", "e.py", "parts/__init__.py", "parts/c.py", "parts/d.py", "parts/f.py"):
        written(name, (tmp_path / name).read_text() + "# changed\n")
        digests.append(source_digest(tmp_path / "a.py"))
    assert len(set(digests)) == 8


def test_a_source_that_has_changed_is_refused(file: Path):
    loaded = load_study(f"{file}:study")
    assert load_study(f"{file}:study", loaded.digest).study is loaded.study
    (file.parent / "neighbour.py").write_text("WIDTH = 4\n")
    with pytest.raises(UserError, match=r"since the study .* was loaded elsewhere: restart"):
        load_study(f"{file}:study", loaded.digest)


def test_a_fifo_is_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(UserError, match="it is a FIFO"):
        load_study(f"{tmp_path / 'pipe.py'}:study")
