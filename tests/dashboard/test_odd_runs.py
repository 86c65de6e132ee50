"""The server over a runs directory in which files are not what their names say: answers, in time, and no 5xx."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from flask.testing import FlaskClient

from gradviz.compute.background import of_deliveries
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer_process import LOG_NAME, TrainerProcess
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.routes import PREFIX
from gradviz.experiment.lock import LOCK_NAME, NOTE_NAME
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_directory import METRICS_NAME, RECORD_NAME, ROWS_NAME
from gradviz.experiment.store import RunStore
from gradviz.experiment.tensor_file import read_tensors, write_tensors
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
    *(f"none/{NOTE_NAME}", NOTE_NAME, LOCK_NAME, LOG_NAME),
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
    trainer = TrainerProcess(own_runs, of_deliveries(("none",)))
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


NUMBERS = (
    f"{PREFIX}/landscape?variant={{0}}&epoch=1&points=3&{PAIR}",
    f"{PREFIX}/landscape?variant={{0}}&epoch=1&points=3&mode=train&format=binary&{PAIR}",
    f"{PREFIX}/frames?variant={{0}}&epoch=1&points=3&over=minibatches&only=0,1&minibatch_size=16&{PAIR}",
    f"{PREFIX}/activity/{{0}}/1",
    f"{PREFIX}/activity/{{0}}/1/1",
    f"{PREFIX}/course?variant={{0}}&epoch=1&points=3&mode=train&{PAIR}",
    f"{PREFIX}/agreement?variant={{0}}&epoch=1&minibatch_size=16",
    f"{PREFIX}/agreement?variant={{0}}&epoch=1&minibatch_size=16&mode=train",
    f"{PREFIX}/units/{{0}}/1/1?minibatch_size=16",
    f"{PREFIX}/pairs/{{0}}/1/1?minibatch_size=16",
    f"{PREFIX}/cosines/{{0}}/1?part=model&minibatch_size=16",
    f"{PREFIX}/runs",
)


def no_constant(name: str) -> NoReturn:
    pytest.fail(f"{name} is no JSON")


@pytest.mark.parametrize("factor", [1e37, 1e12, 1e4, 1e-30, 0.0])
def test_finite_numbers_of_any_size_give_json_or_a_sentence(factor: float, served: FlaskClient, own_runs: Path):
    for variant in DEFAULT_NAMES:
        path = own_runs / variant / "epoch-0001.safetensors"
        state = read_tensors(path)
        write_tensors(path, {name: (tensor.double() * factor).to(tensor.dtype) for name, tensor in state.items()})
        for address in NUMBERS:
            answer = served.get(address.format(variant))
            assert answer.status_code in (200, 422), (address, answer.text)
            if answer.is_json:
                json.loads(answer.data, parse_constant=no_constant)
            if factor == 1e37 and "/runs" not in address:
                assert "too large" in answer.text, address


@pytest.mark.parametrize("scale", ["1e308", "1e999", "Infinity", "1e-320", "0", "-1", '"100"x', "[100]"])
def test_a_scale_that_no_network_has_makes_the_run_unreadable(scale: str, served: FlaskClient, own_runs: Path):
    path = own_runs / "none" / RECORD_NAME
    path.write_text(re.sub(r'"output_scale": [0-9.]+', f'"output_scale": {scale}', path.read_text()))
    told = served.get(f"{PREFIX}/runs").get_json()
    assert sorted(told["runs"]) == ["batchnorm", "dropout"]
    assert [each["file"] for each in told["unreadable"]] == ["none/run.json"]
    assert served.get(f"{PREFIX}/runs/none").status_code == 422
