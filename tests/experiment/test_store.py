"""What readers see of a runs directory, whole or damaged, while nothing or a trainer writes to it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from gradviz.errors import UserError
from gradviz.experiment import run_directory as files_module
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.prepare import prepare_rows
from gradviz.experiment.studies.deliveries.training import train_epochs


def zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def random_bytes(path: Path) -> None:
    path.write_bytes(bytes(torch.randint(256, (5000,), generator=torch.Generator().manual_seed(0)).tolist()))


def too_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def another_network(path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_pickle(path: Path) -> None:
    torch.save({"hidden.0.linear.bias": torch.zeros(6)}, path)


DAMAGES = [
    zero_bytes,
    cut_off,
    half,
    random_bytes,
    too_long,
    directory,
    another_network,
    dangling_link,
    a_pickle,
]


@pytest.fixture
def store(runs: Path) -> RunStore:
    return RunStore(runs)


def test_a_trained_store_has_its_variants_epochs_and_metrics(store: RunStore):
    assert store.names() == list(DEFAULT_NAMES)
    for variant in DEFAULT_NAMES:
        run = store.run(variant)
        assert (run.name, run.config.regularizer.run_name, run.config.epochs) == (variant, variant, 3)
        assert run.epochs() == [0, 1, 2, 3]
        assert run.broken() == []
        assert [line.epoch for line in run.metrics()] == [0, 1, 2, 3]


@pytest.mark.parametrize("variant", DEFAULT_NAMES)
def test_a_model_is_the_network_of_its_checkpoint_in_eval_mode(store: RunStore, variant: str):
    run = store.run(variant)
    expected = list(train_epochs(run.config, prepare_rows(run.config).rows, device=torch.device("cpu")))
    for epoch in run.epochs():
        model = run.model(epoch)
        assert not model.training
        assert (model.output_scale, model.regularizer.run_name) == (100.0, variant)
        state = model.state_dict()
        assert all(torch.equal(state[name], tensor) for name, tensor in expected[epoch].state.items())


def test_every_model_is_a_fresh_one(store: RunStore):
    run = store.run("batchnorm")
    with torch.no_grad():
        run.model(1).output.weight.zero_()
    assert run.model(1).output.weight.abs().sum() > 0
    loss = run.model(1)(run.minibatch(0, 16).inputs_BI).sum()
    loss.backward()  # its parameters can be differentiated


def test_a_digest_is_that_of_the_content_and_changes_with_it(store: RunStore):
    run = store.run("none")
    path = checkpoint_path(run.path, 2)
    assert run.digest(2) == hashlib.sha256(path.read_bytes()).hexdigest()
    shutil.copyfile(checkpoint_path(run.path, 1), path)
    assert run.digest(2) == run.digest(1)


def test_a_digest_is_read_once(store: RunStore, monkeypatch: pytest.MonkeyPatch):
    run = store.run("none")
    digest = run.digest(1)
    monkeypatch.setattr(files_module, "file_digest", lambda path: pytest.fail(f"{path} is read again"))
    assert run.digest(1) == digest


def test_the_variants_have_the_same_minibatches(store: RunStore):
    minibatches = [store.run(variant).minibatch(1, 16) for variant in DEFAULT_NAMES]
    for other in minibatches[1:]:
        assert torch.equal(other.inputs_BI, minibatches[0].inputs_BI)
        assert torch.equal(other.rows_B, minibatches[0].rows_B)
    assert store.run("none").num_minibatches(16) == 4
    assert store.run("none").num_minibatches(0) == 0


def test_training_inputs_are_those_of_the_training_rows(store: RunStore):
    run = store.run("none")
    assert run.training_inputs().shape == (64, 675)
    assert torch.equal(run.training_inputs(5), run.training_inputs()[:5])


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_checkpoint_is_named_and_left_out_and_the_rest_is_served(
    store: RunStore, damage: Callable[[Path], None]
):
    run = store.run("dropout")
    assert run.epochs() == [0, 1, 2, 3]
    path = checkpoint_path(run.path, 2)
    damage(path)
    assert run.epochs() == [0, 1, 3]
    (broken,) = run.broken()
    assert broken.path == path
    assert broken.reason
    for read in (run.model, run.digest):
        with pytest.raises(UserError, match="epoch-0002") as refusal:
            read(2)
        assert "\n" not in str(refusal.value)
    assert run.model(3) is not None


def test_a_checkpoint_that_is_not_finite_is_named_when_it_is_loaded(store: RunStore):
    run = store.run("none")
    state = run.model(1).state_dict()
    state["output.bias"][0] = float("nan")
    safetensors.torch.save_file(state, checkpoint_path(run.path, 1))
    with pytest.raises(UnusableFile, match="values that are not finite"):
        run.model(1)
    assert run.epochs() == [0, 2, 3]
    assert [broken.reason for broken in run.broken()] == ["it has values that are not finite"]


def test_a_mended_checkpoint_is_served_again(store: RunStore):
    run = store.run("none")
    path = checkpoint_path(run.path, 2)
    content = path.read_bytes()
    half(path)
    assert run.epochs() == [0, 1, 3]
    path.write_bytes(content)
    assert run.epochs() == [0, 1, 2, 3]
    assert run.broken() == []


def test_files_that_are_no_checkpoints_are_not_looked_at(store: RunStore):
    run = store.run("none")
    for name in ("epoch-0004.safetensors.partial", "epoch-4.safetensors", "epoch-00005.safetensors", "notes.txt"):
        (run.path / name).write_text("x")
    assert run.epochs() == [0, 1, 2, 3]
    assert run.broken() == []


def test_asking_for_the_epochs_again_opens_no_file(store: RunStore, monkeypatch: pytest.MonkeyPatch):
    run = store.run("none")
    run.epochs()
    monkeypatch.setattr(files_module, "read_header", lambda path: pytest.fail(f"{path} is read again"))
    assert run.epochs() == [0, 1, 2, 3]


def test_new_checkpoints_appear_while_a_reader_looks(store: RunStore):
    run = store.run("none")
    third = checkpoint_path(run.path, 3)
    third.rename(run.path / "hidden")
    assert run.epochs() == [0, 1, 2]
    (run.path / "hidden").rename(third)
    assert run.epochs() == [0, 1, 2, 3]


@pytest.mark.parametrize("epoch", [-1, 4, 10**12])
def test_an_epoch_that_is_not_there_is_refused_with_those_that_are(store: RunStore, epoch: int):
    with pytest.raises(UserError, match=rf"`epoch` of the run none must be one of 0-3, got {epoch}\."):
        store.run("none").model(epoch)


def test_the_refusal_of_an_epoch_names_gaps(store: RunStore):
    checkpoint_path(store.run("none").path, 1).unlink()
    with pytest.raises(UserError, match="one of 0, 2-3, got 1"):
        store.run("none").model(1)


@pytest.mark.parametrize("name", ["l2", "", "..", "none/../none", "/etc", "NONE"])
def test_an_unknown_variant_is_refused_with_those_that_exist(store: RunStore, name: str):
    shutil.rmtree(store.root / "dropout")
    with pytest.raises(UserError, match=r"must be an existing run \(none, batchnorm\), got"):
        store.run(name)


def test_a_missing_and_an_empty_directory_have_no_runs(tmp_path: Path):
    for root in (tmp_path, tmp_path / "missing"):
        store = RunStore(root)
        assert store.names() == []
        assert store.broken() == []
        with pytest.raises(UserError, match=r"none of them yet in .*start `gradviz train`"):
            store.run("none")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("{}", "format_version is None"),
        ('{"format_version": 99}', "format_version is 99, this gradviz reads 1"),
        ('{"format_version": 1}', "torch_version"),
        ("[" * 10_000, "nested deeper than 64 levels"),
    ],
)
def test_a_run_whose_record_is_damaged_is_named_and_left_out(store: RunStore, content: str, reason: str):
    path = store.root / "dropout" / "run.json"
    path.write_text(content)
    assert store.names() == ["none", "batchnorm"]
    (broken,) = store.broken()
    assert broken.path == path
    assert reason in broken.reason
    with pytest.raises(UserError, match=r"run\.json cannot be used"):
        store.run("dropout")


@pytest.mark.parametrize(("key", "value"), [("epochs", "many"), ("hidden", [0]), ("surprise", 1), ("rows_used", 0)])
def test_a_record_with_a_wrong_value_names_it(store: RunStore, key: str, value: object):
    path = store.root / "none" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert key in store.broken()[0].reason


def test_a_run_copied_to_another_variants_place_is_refused(store: RunStore):
    shutil.copyfile(store.root / "none" / "run.json", store.root / "dropout" / "run.json")
    assert store.broken()[0].reason == "it is for the run none, but is in dropout"


def test_the_record_holds_the_whole_configuration(store: RunStore):
    record = json.loads((store.root / "batchnorm" / "run.json").read_text())
    assert record["output_scale"] == 100.0
    assert record["regularizer"] == {"kind": "batchnorm", "placement": "before"}
    assert set(store.run("batchnorm").config.model_dump()) < set(record)
    assert (record["rows_used"], record["rows_train"], record["rows_test"], record["rows_left_out"]) == (80, 64, 16, 0)
    assert record["torch_version"] == torch.__version__
    assert record["num_parameters"] == sum(p.numel() for p in store.run("batchnorm").model(0).parameters())


def test_the_metrics_file_has_the_documented_columns(store: RunStore):
    first = (store.root / "none" / "metrics.csv").read_text().splitlines()[0]
    assert first == "epoch,train_loss,test_loss,test_r2,share_below_target,wall_seconds"


def test_damaged_lines_of_the_metrics_are_named_and_left_out(store: RunStore):
    run = store.run("none")
    path = run.path / "metrics.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[1], "1,x,2,3,4,5\n", lines[3], lines[1], lines[4][:9]]))
    assert [line.epoch for line in run.metrics()] == [0, 2]
    reasons = [(broken.path.name, broken.reason) for broken in run.broken()]
    assert reasons == [("metrics.csv", f"line {number} cannot be read") for number in (3, 5, 6)]


@pytest.mark.parametrize("damage", [zero_bytes, random_bytes, directory], ids=lambda damage: damage.__name__)
def test_a_metrics_file_that_is_none_leaves_the_checkpoints_alone(store: RunStore, damage: Callable[[Path], None]):
    run = store.run("none")
    damage(run.path / "metrics.csv")
    assert run.metrics() == []
    assert run.epochs() == [0, 1, 2, 3]
    assert [broken.path.name for broken in run.broken()] == ["metrics.csv"]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_rows_leave_the_checkpoints_alone(store: RunStore, damage: Callable[[Path], None]):
    run = store.run("none")
    damage(run.path / "rows.safetensors")
    assert run.model(2) is not None
    assert [broken.path.name for broken in run.broken()] == ["rows.safetensors"]
    with pytest.raises(UserError, match="rerun `gradviz train` with the same options"):
        run.minibatch(0, 16)


def test_a_run_that_vanishes_while_it_is_read_has_no_epochs(store: RunStore):
    run = store.run("none")
    shutil.rmtree(run.path)
    assert (run.epochs(), run.metrics()) == ([], [])
    assert "none" not in store.names()
    with pytest.raises(UserError, match="has no trained epoch yet"):
        run.model(0)


def test_a_file_that_cannot_be_read_is_named(store: RunStore):
    path = checkpoint_path(store.run("none").path, 2)
    path.unlink()
    path.symlink_to(path.name)  # a link to itself: not for root either, who may read what is forbidden
    assert [broken.path for broken in store.run("none").broken()] == [path]


def test_reading_leaves_the_files_as_they_are(store: RunStore):
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(store.root.rglob("*")) if path.is_file()}

    before = contents()
    for variant in store.names():
        run = store.run(variant)
        run.model(1)
        run.minibatch(0, 16)
        run.digest(1)
        run.broken()
    assert contents() == before


def test_a_file_in_place_of_the_runs_directory_is_refused(tmp_path: Path):
    path = tmp_path / "runs"
    path.touch()
    with pytest.raises(UserError, match="is a file"):
        RunStore(path)


def test_models_of_one_run_share_nothing(tiny_store: RunStore):
    run = tiny_store.run("batchnorm")
    one, other = run.model(1), run.model(1)
    expected = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    for tensor in (*one.parameters(), *one.buffers()):
        tensor.data.fill_(7)
    for name, tensor in (*other.state_dict().items(), *run.model(1).state_dict().items()):
        assert torch.equal(tensor, expected[name])
