"""Runs of a study of the user's own through the HTTP API: what is told of them, with and without their study."""

import io
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flask.testing import FlaskClient

import gradviz
from gradviz.cli import main
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard import permalink
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.permalink import View
from gradviz.dashboard.routes import PREFIX
from gradviz.dashboard.run_answers import RunsAnswer
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy, load_study
from gradviz.settings import Settings
from tests.dashboard.conftest import StandInTrainer
from tests.dashboard.test_exports import numbers_of, told_in
from tests.drawing.test_frames import blocks_of, decode

STUDY_FILE = Path(__file__).parents[1] / "compute" / "study_of_digits.py"
PAIR = {"x": "conv1.weight[2,0,1,1]", "y": "conv2.bias[3]"}
ASKED = {"run": "seed-0", "epoch": 1, "points": 3, **PAIR}


@pytest.fixture(scope="module")
def loaded() -> LoadedStudy:
    return load_study(str(STUDY_FILE))


def record(loaded: LoadedStudy, path: Path, seed: int, **facts: Any) -> None:
    """A run of one epoch with one step of training."""
    torch.manual_seed(seed)
    study = loaded.study
    model = study.model(**facts.get("arguments", {}))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert callable(study.minibatches)
    with gradviz.record(study, model, path, seed=seed, **facts) as run:
        study.loss(model, study.minibatches()[0]).mean().backward()
        optimizer.step()
        run.epoch(train_loss=1.0, test_accuracy=0.25, train_accuracy=0.5, val_loss=float("nan"))


@pytest.fixture(scope="module")
def recorded(loaded: LoadedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    settings = {"optimizer": "sgd", "epochs": 7}
    for seed in (0, 1):
        record(loaded, runs / f"seed-{seed}", seed, settings=settings)
    record(loaded, runs / "wide", 0, label="Wide", arguments={"channels": 6})
    return runs


def client_of(runs: Path, study: LoadedStudy | None, cache: FieldCache) -> FlaskClient:
    store = RunStore(runs, study)
    compute = LocalCompute(store, cache, device="cpu")
    trainer: Any = StandInTrainer()
    return create_app(Settings(runs=runs), compute, store, trainer).server.test_client()


@pytest.fixture(scope="module")
def client(recorded: Path, loaded: LoadedStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with FieldCache(tmp_path_factory.mktemp("cache")) as cache:
        yield client_of(recorded, loaded, cache)


@pytest.fixture
def without_study(recorded: Path, tmp_path: Path) -> Iterator[FlaskClient]:
    with FieldCache(tmp_path / "cache") as cache:
        yield client_of(recorded, None, cache)


def test_a_run_is_told_by_its_model(client: FlaskClient):
    answer = client.get(f"{PREFIX}/runs").get_json()
    RunsAnswer.model_validate(answer)
    assert list(answer["runs"]) == ["seed-0", "seed-1", "wide"]
    run = answer["runs"]["seed-0"]
    assert run == client.get(f"{PREFIX}/runs/seed-0").get_json()
    assert (run["study"], run["seed"], run["epochs"], run["planned_epochs"]) == ("squares", 0, [0, 1], 7)
    assert (run["cannot"], run["study_changed"]) == (None, False)
    assert run["shapes"]["conv1.weight"] == [4, 1, 3, 3]
    assert run["shapes"].keys() == run["tensors"].keys()
    assert "norm.running_mean" not in run["shapes"]
    assert run["tensors"]["norm.weight"] == {"layer": "norm", "label": "norm", "kind": "gamma"}
    assert run["tensors"]["head.bias"]["kind"] == "bias"
    assert [(layer["value"], layer["width"]) for layer in run["layers"]] == [
        ("conv1", 4),
        ("norm", 4),
        ("conv2", 5),
        ("head", 3),
    ]
    assert run["capabilities"]["draws_masks"] is True
    assert run["suggested"] == {"a": ["conv1.bias[0]", "conv1.bias[1]"], "b": ["conv2.bias[0]", "conv2.bias[1]"]}
    assert (run["minibatch_sizes"], run["minibatches"]) == ([], {"64": 4})
    assert ["optimizer", "sgd"] in run["about"]
    assert answer["runs"]["wide"]["label"] == "Wide"
    assert answer["runs"]["wide"]["shapes"]["conv1.weight"] == [6, 1, 3, 3]
    assert ["model's channels", "6"] in answer["runs"]["wide"]["about"]
    assert len({each["colour"]["light"] for each in answer["runs"].values()}) == 3


def test_its_metrics_are_curves_under_its_own_names(client: FlaskClient):
    run = client.get(f"{PREFIX}/runs/seed-1").get_json()
    assert run["metrics"] == {
        "epoch": [1],
        "train_loss": [1.0],
        "test_accuracy": [0.25],
        "train_accuracy": [0.5],
    }
    assert run["curves"] == [
        {"name": "loss", "unit": "", "test": None, "train": "train_loss"},
        {"name": "accuracy", "unit": "", "test": "test_accuracy", "train": "train_accuracy"},
    ]


def test_seeds_of_a_study_are_a_group(client: FlaskClient):
    [group] = client.get(f"{PREFIX}/runs").get_json()["groups"]
    assert (group["runs"], group["seeds"], group["label"]) == (["seed-0", "seed-1"], [0, 1], "squares")


def test_without_its_study_a_run_says_how_to_name_it_and_shows_its_curves(without_study: FlaskClient):
    answer = without_study.get(f"{PREFIX}/runs").get_json()
    RunsAnswer.model_validate(answer)
    run = answer["runs"]["seed-0"]
    assert "is of the study squares: name its file with `--study FILE.py:NAME`" in run["cannot"]
    assert (run["capabilities"], run["suggested"], run["shapes"], run["layers"]) == (None, None, {}, [])
    assert run["metrics"]["train_loss"] == [1.0]
    for address in ("landscape", "frames"):
        refused = without_study.get(f"{PREFIX}/{address}", query_string=ASKED)
        assert refused.status_code == 422
        assert "name its file" in refused.get_json()["error"]


@pytest.mark.parametrize(("over", "indices"), [("epochs", [1, 0]), ("minibatches", [0, 1, 2, 3])])
def test_frames_are_of_all_epochs_and_of_all_minibatches(client: FlaskClient, over: str, indices: list[int]):
    answer = client.get(f"{PREFIX}/frames", query_string=ASKED | {"over": over})
    header, *blocks = blocks_of(answer.data)
    assert json.loads(header)["indices"] == indices
    decoded = [decode(block) for block in blocks]
    assert [frame["index"] for frame, _ in decoded] == indices
    frame = decoded[0][0]
    assert frame["facts"][0]["name"] == "accuracy"
    assert frame["share_below"] is None
    again = client.get(
        f"{PREFIX}/frames", query_string=ASKED | {"over": over}, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_a_link_opens_on_what_the_run_suggests(recorded: Path, loaded: LoadedStudy):
    runs = runs_of(RunStore(recorded, loaded))
    view, notices = permalink.settle(View(), runs)
    assert (view.run, view.compared) == ("seed-0", ("seed-0", "seed-1", "wide"))
    assert (view.x_a, view.y_b) == ("conv1.bias[0]", "conv2.bias[1]")
    assert notices == []


@pytest.mark.parametrize(
    ("search", "word"),
    [
        ("?x1=conv9.weight[0]", "this model has no conv9.weight"),
        ("?x1=conv1.weight[2,0,1]", "takes [0..3,0..0,0..2,0..2]"),
        ("?variant=seed-1&size=16", "was recorded with its minibatches"),
        ("?compared=seed-0,none", ""),
    ],
)
def test_what_a_link_names_and_a_study_has_not_is_noticed(recorded: Path, loaded: LoadedStudy, search: str, word: str):
    read, unread = permalink.read(search)
    view, notices = permalink.settle(read, runs_of(RunStore(recorded, loaded)))
    assert unread == []
    assert (view.x_a, view.minibatch_size) == ("conv1.bias[0]", 64)
    assert "none" not in view.compared
    assert [word in notice for notice in notices] == ([True] if word else [])


def test_a_parameter_of_any_shape_can_be_linked(recorded: Path, loaded: LoadedStudy):
    view = View(run="wide", x_a=PAIR["x"], y_a=PAIR["y"])
    assert permalink.read(permalink.write(view)) == (view, [])
    settled, notices = permalink.settle(view, runs_of(RunStore(recorded, loaded)))
    assert ((settled.x_a, settled.y_a), notices) == ((PAIR["x"], PAIR["y"]), [])


def test_a_minibatch_is_told_with_all_its_tensors(client: FlaskClient, recorded: Path):
    told = client.get(f"{PREFIX}/minibatches/seed-0/2").get_json()
    assert told == {"run": "seed-0", "variant": "seed-0", "minibatch": 2, "num_rows": 12, "rows": []}
    images, labels = RunStore(recorded).study_run("seed-0").minibatch(2)
    arrays = np.load(io.BytesIO(client.get(f"{PREFIX}/minibatches/seed-0/2?format=npz").data))
    np.testing.assert_array_equal(arrays["0"], images)
    np.testing.assert_array_equal(arrays["1"], labels)
    refused = client.get(f"{PREFIX}/minibatches/seed-0/2?minibatch_size=16")
    assert (refused.status_code, "cannot be chosen" in refused.get_json()["error"]) == (422, True)


def test_rows_are_told_as_the_study_describes_them(tmp_path: Path):
    shipped = load_study("addition").study
    assert shipped.train is not None
    (tokens, answers), _ = shipped.train.rows(0)
    with gradviz.record(shipped, shipped.model(), tmp_path / "sums", minibatches=[(tokens[:3], answers[:3])]):
        pass
    with FieldCache(tmp_path / "cache") as cache:
        told = client_of(tmp_path, None, cache).get(f"{PREFIX}/minibatches/sums/0").get_json()
    a, b, _ = tokens[1].tolist()
    assert told["rows"][1] == f"{a} + {b} = {answers[1]}"


def exported(client: FlaskClient, kind: str, **values: object) -> bytes:
    panels = [ASKED, ASKED | {"run": "wide"}]
    answer = client.post(f"{PREFIX}/exports", json={"kind": kind, "panels": panels, **values})
    assert answer.status_code == 200, answer.data
    return answer.data


def test_a_page_that_stands_alone_knows_the_tensors_and_the_facts(client: FlaskClient):
    told = told_in(exported(client, "html", show=["path", "spread"], minus=0).decode())
    assert told["tensors"] == {
        "conv1.weight": {"layer": "conv1", "label": "conv1", "kind": "weight"},
        "conv2.bias": {"layer": "conv2", "label": "conv2", "kind": "bias"},
    }
    assert [panel["label"] for panel in told["panels"]] == ["seed-0", "Wide"]
    about, _ = numbers_of(told["panels"][0]["frames"][1])
    assert about["facts"][0]["sentence"].endswith("classified correctly")
    assert len(told["panels"][0]["path"]) == 2
    assert len(told["panels"][0]["spreads"]["1"]) == 4


@pytest.mark.parametrize(("kind", "first"), [("gif", b"GIF89a"), ("pdf", b"%PDF")])
def test_pictures_of_a_study_are_drawn(client: FlaskClient, kind: str, first: bytes):
    assert exported(client, kind).startswith(first)


def test_a_recipe_names_the_study_and_gives_the_numbers(
    client: FlaskClient, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = client.post(f"{PREFIX}/recipes", json={"panels": [ASKED]}).get_json()
    assert told["command_lines"].startswith(f"gradviz landscape --study {STUDY_FILE.name} --run seed-0 --epoch 1")
    assert "size" not in told["command_lines"] + told["python"]  # which cannot be chosen
    monkeypatch.chdir(recorded.parent)
    (recorded.parent / STUDY_FILE.name).symlink_to(STUDY_FILE)
    program: dict[str, Any] = {}
    exec(told["python"], program)
    [field] = program["fields"]
    expected = client.get(f"{PREFIX}/landscape", query_string=ASKED).get_json()
    np.testing.assert_array_equal(field.u, np.array(expected["u"], np.float32))
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "cache"))
    [line] = told["command_lines"].splitlines()
    command, *words = shlex.split(line)
    assert (command, main([*words[:-1], str(tmp_path / "field.npz")])) == ("gradviz", 0)
    np.testing.assert_array_equal(np.load(tmp_path / "field.npz")["u"], field.u)


def test_a_point_of_the_curves_is_what_the_fields_say(client: FlaskClient):
    point = client.get(f"{PREFIX}/course", query_string=ASKED).get_json()
    assert (point["num_minibatches"], point["share_below"], point["balance"]) == (4, None, None)
    fields = [
        client.get(f"{PREFIX}/landscape", query_string=ASKED | {"minibatch": number}).get_json() for number in range(4)
    ]
    arrows = np.array([[field["u"][1][1], field["v"][1][1]] for field in fields])
    directions = arrows / np.hypot(*arrows.T)[:, None]
    assert point["resultant"]["value"] == pytest.approx(np.hypot(*directions.mean(0)), abs=1e-5)  # float32 arrows
    assert 0 <= point["angle"] <= 180


EVERY_ADDRESS = (
    "/landscape?run={run}&epoch=1&x=conv1.weight[2,0,1,1]&y=conv2.bias[3]&points=3",
    "/frames?run={run}&epoch=1&x=conv1.weight[2,0,1,1]&y=conv2.bias[3]&points=3&over=epochs",
    "/frames?run={run}&epoch=1&x=conv1.weight[2,0,1,1]&y=conv2.bias[3]&points=3&over=minibatches",
    "/course?run={run}&epoch=1&x=conv1.weight[2,0,1,1]&y=conv2.bias[3]&points=3",
    "/agreement?run={run}&epoch=1&parts=model",
    "/cosines/{run}/1?part=model",
    "/why?run={run}&epoch=1&parameter=conv1.bias[0]",
    "/activity/{run}/1",
    "/activity/{run}/1/0",
    "/units/{run}/1/0",
    "/pairs/{run}/1/0",
    "/minibatches/{run}/0",
    "/minibatches/{run}/0?format=npz",
    "/runs/{run}",
    "/training",
    "/evidence/start",
)


def damaged(run: Path, how: str) -> None:
    if how == "minibatches":
        (run / "minibatches.safetensors").write_bytes(b"")
    elif how == "checkpoints":
        for path in run.glob("epoch-*"):
            path.write_bytes(b"{}")
    elif how == "study":
        record = run / "run.json"
        record.write_text(record.read_text().replace('"arguments": {}', '"arguments": {"channels": "many"}'))


@pytest.mark.parametrize("how", ["study is not loaded", "study", "minibatches", "checkpoints"])
def test_whatever_is_missing_is_told_and_never_fails_the_server(
    recorded: Path, loaded: LoadedStudy, tmp_path: Path, how: str
):
    runs = tmp_path / "runs"
    shutil.copytree(recorded, runs)
    damaged(runs / "seed-0", how)
    with FieldCache(tmp_path / "cache") as cache:
        client = client_of(runs, None if how == "study is not loaded" else loaded, cache)
        told = client.get(f"{PREFIX}/runs").get_json()
        RunsAnswer.model_validate(told)
        assert told["runs"]["seed-0"]["metrics"]["train_loss"] == [1.0]
        for address in EVERY_ADDRESS:
            answer = client.get(PREFIX + address.format(run="seed-0"))
            assert answer.status_code in (200, 422), (address, answer.data)
            if answer.status_code == 422:
                assert "/tmp" not in answer.get_json()["error"], address
        panel = ASKED | {"run": "seed-0"}
        for kind in ("html", "pdf"):
            refused = client.post(f"{PREFIX}/exports", json={"kind": kind, "panels": [panel]})
            assert refused.status_code == 422
        recipe = client.post(f"{PREFIX}/recipes", json={"panels": [panel]})
        assert recipe.status_code in (200, 422)


def test_what_a_changed_study_cannot_show_is_said(recorded: Path, loaded: LoadedStudy, tmp_path: Path):
    runs = tmp_path / "runs"
    shutil.copytree(recorded, runs)
    damaged(runs / "seed-0", "study")
    damaged(runs / "seed-1", "minibatches")
    told = runs_of(RunStore(runs, loaded))
    assert "model of the study squares fails in study_of_digits.py, line" in told["seed-0"]["cannot"]
    assert told["seed-1"]["cannot"] == "minibatches.safetensors cannot be used: it is empty."
    assert told["seed-1"]["broken"] == [{"file": "minibatches.safetensors", "reason": "it is empty"}]
    view, _ = permalink.settle(View(), told)
    assert view.run == "wide"


def test_runs_of_all_studies_are_shown_together(loaded: LoadedStudy, own_runs: Path):
    for seed in (0, 1):
        record(loaded, own_runs / f"net-{seed}", seed)
    store = RunStore(own_runs, loaded)
    runs = runs_of(store)
    assert list(runs) == ["none", "dropout", "batchnorm", "net-0", "net-1"]
    assert len({run["colour"]["light"] for run in runs.values()}) == 5
    for search, compared, x in (
        ("", ("none", "dropout", "batchnorm"), "hidden.1.linear.bias[0]"),
        ("?variant=net-1", ("net-0", "net-1"), "conv1.bias[0]"),
        ("?variant=net-1&compared=net-1,none", ("net-1", "none"), "conv1.bias[0]"),
    ):
        view, notices = permalink.settle(permalink.read(search)[0], runs)
        assert ((view.compared, view.x_a), notices) == ((compared, x), [])
