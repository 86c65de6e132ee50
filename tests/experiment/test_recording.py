"""A run recorded from a training loop: what is on disk, whenever it is looked at, and that training notices nothing."""

import copy
import json
import logging
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gradviz
from gradviz.cli import main
from gradviz.errors import UserError
from gradviz.experiment import files
from gradviz.experiment.asking import losses
from gradviz.experiment.batches import same
from gradviz.experiment.lock import RunLocked, holder
from gradviz.experiment.metrics_table import GrowingTable, MetricsLine, read_table, table_bytes
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.source_digest import source_digest
from gradviz.experiment.store import RunStore
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import LoadedStudy, load_study
from gradviz.experiment.study_run import StudyRun


@dataclass
class Batch:
    inputs: Tensor
    labels: dict[str, Tensor]


class Net(nn.Module):
    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(width, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.layers(inputs))


def loss(model: nn.Module, batch: Batch) -> Tensor:
    return F.cross_entropy(model(batch.inputs), batch.labels["digit"], reduction="none")


def batches(number: int = 3, seed: int = 0) -> list[Batch]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Batch(
            torch.randn(6, 4, generator=generator),
            {"digit": torch.randint(3, (6,), generator=generator), "scale": torch.tensor(2.0)},
        )
        for _ in range(number)
    ]


STUDY = Study("net", Net, loss, minibatches=batches)
LOADED = LoadedStudy(STUDY, "here", source_digest(Path(__file__)), globals(), source_digest(Path(__file__)))


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return Net()


def train(model: nn.Module, each_epoch: Callable[[int], None], epochs: int = 3) -> list[float]:
    """A loop as users write it, with the global random state; the losses of its steps."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    values = []
    for epoch in range(1, epochs + 1):
        model.train()
        for batch in batches():
            optimizer.zero_grad()
            value = loss(model, batch).mean()
            value.backward()
            optimizer.step()
            values.append(value.item())
        each_epoch(epoch)
    return values


def opened(path: Path, loaded: LoadedStudy | None = LOADED) -> StudyRun:
    return RunStore(path.parent, loaded).study_run(path.name)


def equal(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_each_epoch_is_a_checkpoint_and_a_line_of_metrics(tmp_path: Path, model: nn.Module):
    kept = [copy.deepcopy(model)]
    with gradviz.record(STUDY, model, tmp_path / "adam", label="Adam", seed=3, settings={"optimizer": "adam"}) as run:

        def each_epoch(epoch: int) -> None:
            kept.append(copy.deepcopy(model))
            run.epoch(train_loss=1 / epoch, test_loss=torch.tensor(0.5), accuracy=np.float32(0.25))

        train(model, each_epoch)
        assert run.last_epoch == 3
    there = opened(tmp_path / "adam")
    assert there.epochs() == [0, 1, 2, 3]
    assert there.broken() == []
    for epoch, expected in enumerate(kept):
        again = there.model(epoch)
        assert equal(again, expected)
        assert not again.training
        with torch.no_grad():
            assert torch.equal(losses(there.study, again, there.minibatch(1)), loss(expected.eval(), batches()[1]))
    assert all(same(one, other) for one, other in zip(there.minibatches(), batches(), strict=True))
    assert isinstance(there.minibatch(0), Batch)
    assert (tmp_path / "adam" / "metrics.csv").read_text() == (
        "epoch,train_loss,test_loss,accuracy\n1,1.0,0.5,0.25\n2,0.5,0.5,0.25\n3,0.3333333333333333,0.5,0.25\n"
    )
    assert [line.values["accuracy"] for line in there.metrics()] == [0.25] * 3
    record = json.loads((tmp_path / "adam" / "run.json").read_text())
    assert record.pop("study_digest") == source_digest(Path(__file__))
    assert record == {
        "study": "net",
        "name": "adam",
        "label": "Adam",
        "group": "",
        "seed": 3,
        "arguments": {},
        "settings": {"optimizer": "adam"},
        "format_version": 2,
        "torch_version": torch.__version__,
        "num_parameters": 25 + 10 + 18,
        "num_minibatches": 3,
    }


def test_a_growing_table_is_the_table_of_its_lines(tmp_path: Path):
    path = tmp_path / "metrics.csv"
    lines = [
        MetricsLine(1, {"train_loss": 0.5}),
        MetricsLine(2, {"train_loss": 0.1, "accuracy": 1 / 3}),
        MetricsLine(3),
        MetricsLine(5, {"accuracy": float("nan"), "test_loss": 1e-9}),
        MetricsLine(6, {"b": 1.0, "a": 2.0}),
    ]
    for begun in range(len(lines)):
        table = GrowingTable(path, lines[:begun])
        for number in range(begun, len(lines)):
            table.add(lines[number])
            assert path.read_bytes() == table_bytes(lines[: number + 1])


def test_a_line_that_was_cut_is_written_again_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "metrics.csv"
    lines = [MetricsLine(epoch, {"train_loss": 1 / epoch}) for epoch in range(1, 5)]
    table = GrowingTable(path, lines[:1])
    table.add(lines[1])

    def full(descriptor: int, content: memoryview) -> int:
        if len(content) < 4:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:3])

    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(UserError, match="No space left on device"):
            table.add(lines[2])
    there, reasons = read_table(path)
    assert (there, reasons) == (lines[:2], ["line 4 cannot be read"])
    table.add(lines[3])
    assert path.read_bytes() == table_bytes(lines)


def test_training_is_bit_for_bit_the_same_with_and_without(tmp_path: Path, model: nn.Module):
    twin = copy.deepcopy(model)
    without = train(twin, lambda epoch: None)
    with gradviz.record(STUDY, model, tmp_path / "run") as run:
        assert train(model, lambda epoch: run.epoch(train_loss=0.0)) == without
    assert equal(model, twin)


def test_recording_changes_nothing_of_the_model_or_the_random_states(tmp_path: Path, model: nn.Module):
    model.train()
    model.layers[1].eval()  # pyright: ignore
    loss(model, batches()[0]).mean().backward()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)

    def state() -> object:
        tensors = [*model.parameters(), *model.buffers(), *(parameter.grad for parameter in model.parameters())]
        known = [(id(tensor), tensor._version) for tensor in tensors if tensor is not None]
        randomness = torch.get_rng_state().sum().item(), str(np.random.get_state()), random.getstate()
        return known, [part.training for part in model.modules()], randomness, torch.is_grad_enabled()

    before = state()
    with gradviz.record(STUDY, model, tmp_path / "run") as run:
        run.epoch(train_loss=1.0)
        run.epoch()
    assert state() == before
    optimizer.step()


def copy_before_each_change(monkeypatch: pytest.MonkeyPatch, directory: Path, root: Path) -> list[Path]:
    """Copies `directory` before each change of the disk, a file under way half written: what a kill there leaves."""
    copies: list[Path] = []

    def copying(operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            made = shutil.copytree(directory, root / str(len(copies)) / directory.name)
            copies.append(made)
            if operation is sync:
                path = Path(os.readlink(f"/proc/self/fd/{arguments[0]}"))
                if path.is_file():
                    os.truncate(made / path.relative_to(directory), path.stat().st_size // 2)
            return operation(*arguments, **options)

        return call

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", copying(sync))
    monkeypatch.setattr(os, "replace", copying(os.replace))
    monkeypatch.setattr(os, "unlink", copying(os.unlink))
    return copies


def test_whatever_a_kill_leaves_is_whole(tmp_path: Path, model: nn.Module, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "runs" / "run"
    with gradviz.record(STUDY, model, path) as run:
        run.epoch(train_loss=9.0)
    kept = []
    with monkeypatch.context() as patch:
        copies = copy_before_each_change(patch, path, tmp_path)
        # Replaces the run that is there, in which a kill leaves the old one or parts of it, never a mixture.
        with gradviz.record(STUDY, model, path, minibatches=batches(2, seed=1), fresh=True) as run:
            kept.append(copy.deepcopy(model))

            def each_epoch(epoch: int) -> None:
                kept.append(copy.deepcopy(model))
                run.epoch(train_loss=float(epoch))
                run._wait(0)  # so that the copies are those of one epoch after the other

            train(model, each_epoch)
    assert len(copies) >= 3 * (2 + 3 * 2)  # file, name and directory of two files, and of two for each of three epochs
    seen = set()
    for made in [*copies, path]:
        if not (made / "run.json").exists():  # then there is no run
            continue
        there = opened(made)
        assert there.broken() == []
        is_new = there.record.num_minibatches == 2
        if is_new:
            assert len(there.minibatches()) == 2
            for epoch in there.epochs():
                assert equal(there.model(epoch), kept[epoch])
            assert [line.epoch for line in there.metrics()] in ([*there.epochs()[1:]], [*there.epochs()[1:-1]])
        seen.add((is_new, len(there.epochs())))
    assert {(True, number) for number in range(5)} <= seen
    assert any(not is_new for is_new, _ in seen)


def test_a_disk_that_is_full_is_told_at_the_next_epoch_and_keeps_what_was_saved(
    tmp_path: Path, model: nn.Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    run = gradviz.record(STUDY, model, tmp_path / "run")
    run.epoch(train_loss=1.0)
    run._wait(0)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(files.os, "replace", full)
        run.epoch(train_loss=0.5)
        with pytest.raises(UserError, match="No space left on device"):
            run._wait(0)
        run.epoch(train_loss=0.4)
        with pytest.raises(UserError, match="No space left on device"):
            run.close()
    assert "Epoch 2 of" in caplog.text
    assert opened(tmp_path / "run").epochs() == [0, 1]
    assert holder(tmp_path / "run") is None


def test_python_waits_for_the_last_epoch_at_its_exit(tmp_path: Path):
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import gradviz, time, torch
from gradviz.experiment import tensor_file
write = tensor_file.write_whole
def slowly(*arguments):
    time.sleep(0.05)
    write(*arguments)
study = gradviz.Study("sum", lambda: torch.nn.Linear(2, 1), lambda model, rows: model(rows).squeeze(-1))
model = torch.nn.Linear(2, 1)
run = gradviz.record(study, model, {str(tmp_path / "run")!r}, minibatches=[torch.ones(3, 2)])
tensor_file.write_whole = slowly
for _ in range(4):
    run.epoch(train_loss=1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    there = opened(tmp_path / "run", None)
    assert there.epochs() == [0, 1, 2, 3, 4]
    assert len(there.metrics()) == 4
    assert there.record.study_digest is None


def test_one_directory_is_recorded_by_one_recorder(tmp_path: Path, model: nn.Module):
    with gradviz.record(STUDY, model, tmp_path / "run"):
        who = holder(tmp_path / "run")
        assert who is not None
        assert who.pid == os.getpid()
        with pytest.raises(RunLocked):
            gradviz.record(STUDY, model, tmp_path / "run", fresh=True)
    gradviz.record(STUDY, model, tmp_path / "run").close()  # nothing was trained there yet


def test_a_trained_run_is_replaced_or_continued_only_on_request(tmp_path: Path, model: nn.Module):
    path = tmp_path / "run"
    with gradviz.record(STUDY, model, path) as run:
        train(model, lambda epoch: run.epoch(train_loss=float(epoch)))
    with pytest.raises(UserError, match=r"holds a run already.*fresh=True"):
        gradviz.record(STUDY, model, path)
    with pytest.raises(UserError, match="`after` must be a recorded epoch of run, 0 to 3, got 4"):
        gradviz.record(STUDY, model, path, after=4)
    with pytest.raises(UserError, match="leave them out"):
        gradviz.record(STUDY, model, path, after=1, minibatches=batches())
    with pytest.raises(UserError, match=r"with arguments \{\}, not of net with \{'width': 5\}"):
        gradviz.record(STUDY, model, path, after=1, arguments={"width": 5})
    first = opened(path).model(1)
    with gradviz.record(STUDY, first, path, after=1) as run:
        assert opened(path).epochs() == [0, 1]
        run.epoch(train_loss=7.0)
    there = opened(path)
    assert there.epochs() == [0, 1, 2]
    assert [line.values["train_loss"] for line in there.metrics()] == [1.0, 7.0]
    assert equal(there.model(2), first)
    with gradviz.record(STUDY, model, path, fresh=True):
        pass
    assert opened(path).epochs() == [0]
    assert opened(path).metrics() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"directory": "two words"}, "named by 1 to 64 letters"),
        ({"arguments": {"width": 6}}, r"not the one that `model\(width=6\)` .* has shape"),
        ({"arguments": {"width": [5]}}, "`arguments.width"),
        ({"settings": {"optimizer": torch.optim.Adam}}, "`settings.optimizer"),
        ({"label": "a\nb"}, "`label`"),
        ({"seed": -1}, "`seed`"),
        ({"minibatches": []}, "1 to 50 batches"),
        ({"minibatches": [(torch.ones(2, 4), torch.ones(2))]}, r"test_recording.py, line \d+ .*no attribute 'inputs'"),
        ({"study": Study("deliveries", Net, loss)}, "give a study of your own another name"),
        ({"study": Study("net", Net, loss)}, "has no minibatches"),
        ({"model": nn.LazyLinear(3)}, "no values in weight yet"),
        ({"model": nn.Linear(3, 1)}, "it has no layers.0.weight, but 'weight'|it has no layers.0.weight, but weight"),
        ({"model": nn.ParameterList([torch.ones(2, dtype=torch.complex64)])}, r"0 of the model \(complex64"),
    ],
)
def test_what_could_not_be_used_later_is_refused_before_anything_is_written(
    tmp_path: Path, model: nn.Module, changes: dict[str, Any], told: str
):
    given = {"study": STUDY, "model": model, "directory": "run", "minibatches": None} | changes
    if "study" in changes and "minibatches" not in changes and changes["study"].name == "deliveries":
        given["minibatches"] = batches()
    study, used, directory = given.pop("study"), given.pop("model"), tmp_path / given.pop("directory")
    with pytest.raises(UserError, match=told):
        gradviz.record(study, used, directory, **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"train_loss": "low"}, "train_loss must be one number, got 'low'"),
        ({"a": torch.ones(2)}, "a must be one number"),
        ({"a": None}, "a must be one number, got None"),
        ({"epoch": 3}, "not be `epoch`"),
        ({"a,b": 1}, "without spaces, commas"),
        ({"": 1}, "1 to 64 characters"),
    ],
)
def test_a_metric_is_a_number_with_a_name(tmp_path: Path, model: nn.Module, metrics: dict[str, Any], told: str):
    with gradviz.record(STUDY, model, tmp_path / "run") as run:
        with pytest.raises(UserError, match=told):
            run.epoch(**metrics)
        assert run.last_epoch == 0
        run.epoch(**{"val/acc": 1, "train_loss": float("nan"), "b": True})
        run.epoch(test_loss=float("inf"))
    [first, second] = opened(tmp_path / "run").metrics()
    assert (first.values["val/acc"], first.values["b"], second.values) == (1.0, 1.0, {"test_loss": float("inf")})
    assert str(first.values["train_loss"]) == "nan"


@pytest.mark.parametrize("line", ["x,1,2", "1,1", "1,1,2,3", "1,one,2", "1,1,2"])
def test_a_damaged_line_is_named_and_the_others_are_read(tmp_path: Path, model: nn.Module, line: str):
    with gradviz.record(STUDY, model, tmp_path / "run") as run:
        run.epoch(train_loss=1.0)
        run.epoch(train_loss=2.0)
    path = tmp_path / "run" / "metrics.csv"
    path.write_text(path.read_text() + line + ("\n" if line != "1,1,2" else ""))
    there = opened(tmp_path / "run")
    assert [one.values["train_loss"] for one in there.metrics()] == [1.0, 2.0]
    assert [broken.reason for broken in there.broken()] == ["line 4 cannot be read"]
    path.write_text("epoch,loss\n")
    assert "its first line is not epoch,train_loss,test_loss" in there.broken()[0].reason


def test_models_within_wrappers_and_of_other_dtypes_are_recorded_by_their_own_names(tmp_path: Path, model: nn.Module):
    with gradviz.record(STUDY, nn.DataParallel(model), tmp_path / "parallel"):
        pass
    assert equal(opened(tmp_path / "parallel").model(0), model)
    # A part that torch.compile has wrapped, as its own module under `_orig_mod`.
    head = model.head
    model.head = nn.Module()
    model.head.add_module("_orig_mod", head)  # pyright: ignore
    with gradviz.record(STUDY, model, tmp_path / "compiled"):
        pass
    assert torch.equal(opened(tmp_path / "compiled").model(0).head.weight, head.weight)  # pyright: ignore
    half = Net().bfloat16()
    with gradviz.record(STUDY, half, tmp_path / "half"):
        pass
    again = opened(tmp_path / "half").model(0)
    assert again.head.weight.dtype == torch.float32  # pyright: ignore
    assert torch.equal(again.head.weight, half.head.weight.float())  # pyright: ignore


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.out = nn.Linear(4, 5, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.embedding(tokens))


def test_tied_tensors_stay_tied(tmp_path: Path):
    study = Study("tied", Tied, lambda model, batch: F.cross_entropy(model(batch), batch, reduction="none"))
    model = Tied()
    with gradviz.record(study, model, tmp_path / "run", minibatches=[torch.arange(5)]):
        pass
    again = opened(tmp_path / "run", LoadedStudy(study, "", "", {})).model(0)
    assert again.out.weight is again.embedding.weight  # pyright: ignore
    assert equal(again, model)


def test_without_its_study_a_run_tells_its_epochs_and_names_the_remedy(tmp_path: Path, model: nn.Module):
    with gradviz.record(STUDY, model, tmp_path / "run"):
        pass
    there = opened(tmp_path / "run", None)
    assert there.epochs() == [0]
    with pytest.raises(UserError, match=r"The run run is of the study net: name its file with `--study FILE.py:NAME`"):
        there.model(0)
    with pytest.raises(UserError, match="of the class Batch, which the study's file does not have"):
        there.minibatches()
    other = LoadedStudy(Study("other", Net, loss), "", "", {})
    with pytest.raises(UserError, match="is of the study net"):
        opened(tmp_path / "run", other).model(0)
    with pytest.raises(UserError, match=r"`minibatch` of the run run must be in \[0, 2\], got 3"):
        there.minibatch(3)


def test_a_study_that_has_changed_is_noticed(tmp_path: Path, model: nn.Module):
    with gradviz.record(STUDY, model, tmp_path / "run"):
        pass
    assert not opened(tmp_path / "run").study_has_changed
    record = tmp_path / "run" / "run.json"
    record.write_text(record.read_text().replace(source_digest(Path(__file__)), "0" * 64))
    assert opened(tmp_path / "run").study_has_changed
    wider = LoadedStudy(Study("net", lambda: Net(width=6), loss), "", "", globals())
    with pytest.raises(UnusableFile, match="the study net has changed since it was recorded"):
        opened(tmp_path / "run", wider).model(0)


def test_an_address_is_of_the_code_that_was_loaded(tmp_path: Path):
    file = tmp_path / "small.py"
    made = "gradviz.Study('small', lambda: torch.nn.Linear(2, 1), lambda model, x: x[:, 0])"
    source = f"import gradviz, torch\nstudy = {made}"
    file.write_text(source)
    loaded = load_study(f"{file}:study")
    for name in ("a", "b"):
        with gradviz.record(loaded.study, loaded.study.model(), tmp_path / name, minibatches=[torch.ones(2, 2)]):
            pass
    there = opened(tmp_path / "a", loaded)
    address = there.address(0)
    assert address != opened(tmp_path / "b", loaded).address(0)  # other parameters
    file.write_text(source + "  # changed")
    assert there.address(0) == address
    assert not there.study_has_changed
    again = opened(tmp_path / "a", load_study(f"{file}:study"))
    assert again.address(0) != address
    assert again.study_has_changed


def test_damaged_files_are_named_and_left_out(tmp_path: Path, model: nn.Module):
    with gradviz.record(STUDY, model, tmp_path / "run") as run:
        for _ in range(3):
            run.epoch()
    path = tmp_path / "run"
    (path / "epoch-0001.safetensors").write_bytes((path / "epoch-0001.safetensors").read_bytes()[:-1])
    shutil.copy(path / "minibatches.safetensors", path / "epoch-0002.safetensors")
    with torch.no_grad():
        model.head.bias[0] = float("nan")  # pyright: ignore
    there = opened(path)
    assert there.epochs() == [0, 3]
    assert [broken.path.name for broken in there.broken()] == ["epoch-0001.safetensors", "epoch-0002.safetensors"]
    with pytest.raises(UserError, match="must be one of 0, 3, got 7"):
        there.model(7)
    (path / "minibatches.safetensors").write_bytes((path / "epoch-0000.safetensors").read_bytes())
    with pytest.raises(UnusableFile, match=r"minibatches\.safetensors"):
        there.minibatches()


def test_a_checkpoint_with_values_that_are_not_finite_is_refused(tmp_path: Path, model: nn.Module):
    with torch.no_grad():
        model.head.bias[0] = float("nan")  # pyright: ignore
    with gradviz.record(STUDY, model, tmp_path / "run"):  # training that diverges is recorded to its end
        pass
    with pytest.raises(UnusableFile, match="not finite"):
        opened(tmp_path / "run").model(0)


def test_runs_of_any_study_are_listed_and_those_of_deliveries_stay_apart(
    runs: Path, model: nn.Module, capsys: pytest.CaptureFixture[str]
):
    assert main(["runs", "--runs", str(runs)]) == 0
    assert "study" not in capsys.readouterr().out
    with gradviz.record(STUDY, model, runs / "mine", settings={"optimizer": "lion"}) as run:
        run.epoch()
    assert main(["runs", "--runs", str(runs)]) == 0
    out = capsys.readouterr().out
    assert "lion" in out
    assert "net" in out
    assert main(["runs", "--json", "--runs", str(runs)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told] == ["none", "dropout", "batchnorm", "mine"]
    assert told[-1]["config"]["study"] == "net"
    assert told[-1]["last_epoch"] == 1
    store = RunStore(runs)
    assert store.names() == ["none", "dropout", "batchnorm"]
    assert store.broken() == []
    with pytest.raises(UserError, match="is of the study net"):
        store.run("mine")
    with pytest.raises(UserError, match=r"existing run of a study of your own \(mine\), got 'none'"):
        store.study_run("none")
    assert main(["train", "--runs", str(runs), "--name", "mine", "--variants", "none"]) == 2
    assert "study net" in capsys.readouterr().err
