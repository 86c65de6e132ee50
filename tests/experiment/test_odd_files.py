"""Files of a runs directory that are not what their names say: named and left out, and everything else is served."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.deleting import delete_run
from gradviz.experiment.describe import describe_runs
from gradviz.experiment.files import write_whole
from gradviz.experiment.lock import LOCK_NAME, NOTE_NAME, holder, run_lock
from gradviz.experiment.run_directory import METRICS_NAME, RECORD_NAME, ROWS_NAME
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.metrics import COLUMNS, read_metrics
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.experiment.tensor_file import read_tensors, write_tensors

CHECKPOINT = "epoch-0002.safetensors"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


def link_to_fifo(path: Path) -> None:
    os.mkfifo(f"{path}.fifo")
    path.symlink_to(f"{path}.fifo")


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo": (fifo, "FIFO"),
    "directory": (directory, "directory"),
    "loop": (loop, "circle"),
    "dangling": (dangling, "link to nothing"),
    "device": (device, "device"),
    "sparse": (sparse, "the limit"),
    "link to a FIFO": (link_to_fifo, "FIFO"),
}


def refusal_of(read: Callable[[], object]) -> str:
    """What a user is told; empty if the file is not needed."""
    try:
        read()
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", [RECORD_NAME, ROWS_NAME, METRICS_NAME, CHECKPOINT])
@pytest.mark.parametrize(("make", "reason"), ODD.values(), ids=ODD)
def test_an_odd_file_is_named_and_the_rest_is_served(name: str, make: Callable[[Path], None], reason: str, runs: Path):
    path = runs / "none" / name
    path.unlink()
    make(path)
    store = RunStore(runs)
    described = {one.name: one for one in describe_runs(store)}
    [broken] = [each for each in described["none"].broken if each.path == path]
    assert reason in broken.reason
    assert described["dropout"].broken == ()
    assert store.run("dropout").model(2)
    for read in (
        lambda: store.run("none").model(2),
        lambda: store.run("none").digest(2),
        lambda: store.run("none").minibatch(0, 16),
    ):
        refusal = refusal_of(read)
        assert not refusal or str(path) in refusal


@pytest.mark.parametrize("make", [make for make, _ in ODD.values()], ids=ODD)
def test_an_odd_note_names_no_holder_and_an_odd_lock_is_refused(make: Callable[[Path], None], tmp_path: Path):
    (tmp_path / LOCK_NAME).touch()
    make(tmp_path / NOTE_NAME)
    assert holder(tmp_path) is None
    (tmp_path / LOCK_NAME).unlink()
    make(tmp_path / LOCK_NAME)
    assert holder(tmp_path) is None
    with pytest.raises(UserError, match=LOCK_NAME), run_lock(tmp_path):
        pass


ELSEWHERE = {"pid": 1, "since": "2020-01-01T00:00:00+00:00", "host": "elsewhere", "started": "1"}
NOTES = {
    "1e999": json.dumps(ELSEWHERE).replace('"pid": 1', '"pid": 1e999'),
    "Infinity": json.dumps(ELSEWHERE).replace('"pid": 1', '"pid": Infinity'),
    "NaN": json.dumps(ELSEWHERE).replace('"pid": 1', '"pid": NaN'),
    "fraction": json.dumps(ELSEWHERE).replace('"pid": 1', '"pid": 1.5'),
    "negative": json.dumps(ELSEWHERE | {"pid": -1}),
    "every process": json.dumps(ELSEWHERE | {"pid": 0}),
    "large": json.dumps(ELSEWHERE | {"pid": 2**80}),
    "digits": json.dumps(ELSEWHERE).replace('"pid": 1', '"pid": ' + "9" * 10_000),
    "text": json.dumps(ELSEWHERE | {"pid": "1"}),
    "true": json.dumps(ELSEWHERE | {"pid": True}),
    "lists": "[" * 30_000,
    "objects": '{"pid":' * 9_000,
    "host that is a list": json.dumps(ELSEWHERE | {"host": ["elsewhere"]}),
    "half a character": json.dumps(ELSEWHERE).replace('"elsewhere"', '"\\ud800"'),
    "long": json.dumps(ELSEWHERE | {"host": "h" * 100_000}),
    "a list": "[1]",
    "null": "null",
    "empty": "",
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
def test_a_note_that_is_none_names_no_holder(note: str, tmp_path: Path):
    with run_lock(tmp_path):  # so that a note from elsewhere would be believed
        (tmp_path / NOTE_NAME).write_text(note)
        assert holder(tmp_path) is None
        (tmp_path / NOTE_NAME).write_text(json.dumps(ELSEWHERE))
        assert holder(tmp_path) is not None


def test_a_note_that_cannot_be_removed_does_not_hide_why_the_training_ended(tmp_path: Path):
    (tmp_path / NOTE_NAME).mkdir()
    with pytest.raises(UserError, match="cannot be written"), run_lock(tmp_path):
        pass


@pytest.mark.parametrize("make", [fifo, directory, loop, dangling, device])
def test_what_has_the_name_of_a_half_written_file_is_not_written_to(make: Callable[[Path], None], tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("before")
    make(tmp_path / "file.partial")
    if make is directory:
        with pytest.raises(UserError, match="cannot be written"):
            write_whole(path, b"after")
    else:
        write_whole(path, b"after")
    assert path.read_bytes() == (b"before" if make is directory else b"after")


@pytest.fixture
def unreadable(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a path, and what lies below, unreadable: rights do not bind every user that runs tests."""

    def refuse(path: Path) -> None:
        for name in ("stat", "lstat", "open", "listdir", "scandir", "mkdir"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), path))

    def refusing(call: Callable, place: Path) -> Callable:
        def perhaps(path: object, *more: object, **options: object) -> object:
            if isinstance(path, str | Path) and Path(path).is_relative_to(place):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return call(path, *more, **options)

        return perhaps

    return refuse


def test_a_run_that_cannot_be_read_now_is_named_not_missing(runs: Path, unreadable: Callable[[Path], None]):
    opened = RunStore(runs)
    opened.run("none").epochs()
    unreadable(runs / "none")
    for store in (opened, RunStore(runs)):
        described = {one.name: one for one in describe_runs(store)}
        assert "not permitted" in described["none"].broken[0].reason
        assert store.names() == ["dropout", "batchnorm"]
        with pytest.raises(UserError, match="not permitted"):
            store.run("none")


def test_checkpoints_that_cannot_be_listed_now_are_not_taken_for_none(runs: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    run = RunStore(runs).run("none")
    monkeypatch.setattr(os, "listdir", refuse)
    assert run.epochs() == []
    assert [(each.path, each.reason) for each in run.broken()] == [(run.path, "reading it is not permitted")]


def test_a_directory_of_runs_that_cannot_be_read_is_a_sentence(runs: Path, tiny, unreadable: Callable[[Path], None]):
    unreadable(runs)
    store = RunStore(runs)  # a server that starts meanwhile waits until it can be read again
    assert store.names() == []
    assert {broken.reason for broken in store.broken()} == {"reading it is not permitted"}
    with pytest.raises(UserError, match="not permitted"):
        store.run("none")
    with pytest.raises(UserError):
        train(runs, [tiny("none")], device="cpu")
    with pytest.raises(UserError):
        delete_run(runs, "none")
    assert holder(runs) is None


@pytest.mark.parametrize("name", ["n" * 300, "d/" * 3000, "nul\0byte", "half\ud800"])
def test_a_directory_of_runs_with_an_impossible_name_is_a_sentence(name: str, tmp_path: Path):
    with pytest.raises(UserError) as refusal:
        RunStore(tmp_path / name)
    assert str(refusal.value).isprintable()


def test_a_run_that_is_a_file_is_named(runs: Path):
    for path in sorted((runs / "none").iterdir(), reverse=True):
        path.unlink()
    (runs / "none").rmdir()
    (runs / "none").write_text("a file")
    [broken] = RunStore(runs).broken()
    assert "is not a directory" in broken.reason
    with pytest.raises(UserError, match="is not a directory"):
        delete_run(runs, "none")


def test_a_directory_of_another_name_than_its_run_is_named_and_an_impossible_one_left_alone(runs: Path):
    (runs / "none").rename(runs / "None")
    (runs / "batchnorm").rename(runs / "batchnorm\udcff")
    (runs / "README").write_text("mine")
    (runs / "plots").mkdir()
    described = {one.name: one.broken for one in describe_runs(RunStore(runs))}
    assert list(described) == ["dropout", "None"]
    assert described["None"][0].reason == "it is for the run none, but is in None"
    assert RunStore(runs).names() == ["dropout"]


JUNK = {
    "lines": b"\n" * 3_000_000,
    "of ten million lines": b"x\n" * 10_000_000,
    "one line": b"1" * 3_000_000,
    "cells": ",".join(COLUMNS).encode() + b"\n" + b"," * 1_000_000 + b"\n",
    "other line breaks": ",".join(COLUMNS).encode() + b"\n" + b"\x0b\x1c\x85" * 300_000 + b"\n",
    "not text": bytes(range(256)) * 1000,
}


@pytest.mark.parametrize("content", JUNK.values(), ids=JUNK)
def test_metrics_that_are_junk_are_refused_soon_and_in_few_words(content: bytes, tmp_path: Path):
    path = tmp_path / METRICS_NAME
    path.write_bytes(content)
    start = time.process_time()
    metrics, reasons = read_metrics(path)
    assert time.process_time() - start < 2.0  # lists of ten million lines take several
    assert metrics == []
    assert 1 <= len(reasons) <= 21
    assert all(len(reason) < 200 for reason in reasons)


@pytest.mark.parametrize(
    "line",
    [
        "1,inf,1.0,0.5,0.5,1.0",
        "1,1.0,1e999,0.5,0.5,1.0",
        "1,1.0,1.0,-inf,0.5,1.0",
        "1,nan,1.0,0.5,0.5,1.0",
        "1,1_0,1.0,0.5,0.5,1.0",
        "1,1.0,1.0,0.5,0.5, 1.0",
        "12345,1.0,1.0,0.5,0.5,1.0",
        "١,1.0,1.0,0.5,0.5,1.0",
        "-1,1.0,1.0,0.5,0.5,1.0",
    ],
)
def test_a_line_of_numbers_that_no_training_writes_is_left_out(line: str, tmp_path: Path):
    path = tmp_path / METRICS_NAME
    good = "0,100.5,1e-05,nan,0.5,1.234"
    path.write_text("\n".join([",".join(COLUMNS), good, line, ""]))
    metrics, reasons = read_metrics(path)
    assert [one.epoch for one in metrics] == [0]
    assert reasons == ["line 3 cannot be read"]


def rewrite(runs: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = runs / "none" / CHECKPOINT
    write_tensors(path, change(read_tensors(path)))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_a_checkpoint_of_a_wrapped_model_is_refused_with_the_remedy(prefix: str, runs: Path):
    rewrite(runs, lambda state: {prefix + name: tensor for name, tensor in state.items()})
    [broken] = RunStore(runs).run("none").broken()
    assert f"all its names begin with `{prefix}`" in broken.reason
    assert f"save `model.{prefix}state_dict()`" in broken.reason
    assert f"remove `{prefix}` from the names" in broken.reason


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_a_checkpoint_of_another_dtype_is_refused_with_the_remedy(dtype: torch.dtype, runs: Path):
    rewrite(runs, lambda state: {name: tensor.to(dtype) for name, tensor in state.items()})
    [broken] = RunStore(runs).run("none").broken()
    assert f"is {dtype} of shape" in broken.reason
    assert "convert all with `.to(torch.float32)` and save them" in broken.reason


def test_a_checkpoint_of_other_names_is_refused_by_the_first_that_is_missing(runs: Path):
    rewrite(runs, lambda state: {f"layers.{number}": tensor for number, tensor in enumerate(state.values())})
    [broken] = RunStore(runs).run("none").broken()
    assert broken.reason == "it has no hidden.0.linear.bias"
