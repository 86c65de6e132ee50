"""The server over a runs directory in which files are not what their names say: answers, in time, and no 5xx."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.openapi import PREFIX
from gradviz.experiment.lock import LOCK_NAME, NOTE_NAME
from gradviz.experiment.run import METRICS_NAME, RECORD_NAME, ROWS_NAME
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings

PAIR = "x=hidden.1.linear.bias[0]&y=hidden.1.linear.bias[1]"
ADDRESSES = (
    "/healthz",
    "/readyz",
    f"{PREFIX}/runs",
    f"{PREFIX}/runs/none",
    f"{PREFIX}/training",
    f"{PREFIX}/landscape?variant=none&epoch=1&points=3&{PAIR}",
    f"{PREFIX}/minibatches/none/0?minibatch_size=16",
    f"{PREFIX}/activity/none/1",
    f"{PREFIX}/course?variant=none&epoch=1&points=3&{PAIR}",
)
FILES = (
    *(f"none/{name}" for name in (RECORD_NAME, ROWS_NAME, METRICS_NAME, "epoch-0001.safetensors", LOCK_NAME)),
    *(f"none/{NOTE_NAME}", NOTE_NAME, LOCK_NAME),
)
ODD: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "directory": Path.mkdir,
    "link to itself": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "deep JSON": lambda path: path.write_text("[" * 60_000),
    "1e999": lambda path: path.write_text('{"pid": 1e999, "format_version": 1e999}'),
}


@pytest.fixture
def served(own_runs: Path, tmp_path: Path) -> FlaskClient:
    store = RunStore(own_runs)
    compute = LocalCompute(store, FieldCache(tmp_path / "cache"), device="cpu")
    trainer = TrainerProcess(own_runs, variants=("none",))
    return create_app(Settings.model_validate({"runs": own_runs}), compute, store, trainer).server.test_client()


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_an_odd_file_costs_no_other_answer(make: Callable[[Path], object], served: FlaskClient, own_runs: Path):
    for name in FILES:
        path = own_runs / name
        kept = path.with_name("kept")
        if path.exists():
            path.rename(kept)
        make(path)
        answers = {address: served.get(address) for address in ADDRESSES}
        assert not [(name, address) for address, answer in answers.items() if answer.status_code not in (200, 422)]
        assert [answers[address].status_code for address in ADDRESSES[:3]] == [200] * 3, answers[ADDRESSES[2]].text
        assert {"dropout", "batchnorm"} <= answers[f"{PREFIX}/runs"].get_json()["runs"].keys()
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if kept.exists():
            kept.rename(path)
