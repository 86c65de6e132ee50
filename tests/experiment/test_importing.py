"""Checkpoints that other programs saved become a run, or are refused with one line; nothing is unpickled."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import gradviz
from gradviz.cli import main
from gradviz.errors import UserError
from gradviz.experiment.importing import import_run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy


class Net(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, width)
        self.norm = nn.BatchNorm1d(width)
        self.out = nn.Linear(width, 5, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.norm(self.embedding(tokens)))


STUDY = gradviz.Study("net", Net, gradviz.CrossEntropy(), minibatches=[(torch.arange(5), torch.arange(5))])


def state(seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {name: tensor.clone() for name, tensor in Net().state_dict().items()}


def renamed(prefix: str, given: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in given.items()}


def converted(dtype: torch.dtype, given: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in given.items()}


def imported(tmp_path: Path, *files: Path, **options: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    import_run(STUDY, tmp_path / "runs", "run", files, on_message=said.append, **options)
    return RunStore(tmp_path / "runs", LoadedStudy(STUDY, "", "", {})).study_run("run"), said


def assert_same(model: nn.Module, expected: dict[str, Tensor]) -> None:
    own = model.state_dict()
    assert own.keys() == expected.keys()
    assert all(torch.equal(own[name], tensor) for name, tensor in expected.items())


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def as_pt(path: Path, given: dict[str, Tensor]) -> Path:
    return saved(path / "a.pt", given)


def as_safetensors(path: Path, given: dict[str, Tensor]) -> Path:
    safetensors.torch.save_file({name: tensor.clone() for name, tensor in given.items()}, path / "a.safetensors")
    return path / "a.safetensors"


def as_lightning(path: Path, given: dict[str, Tensor]) -> Path:
    content = {"epoch": 3, "state_dict": renamed("model.", given) | {"metric.total": torch.ones(2)}, "lr": [0.1]}
    return saved(path / "a.ckpt", content)


def as_compiled_and_parallel(path: Path, given: dict[str, Tensor]) -> Path:
    return saved(path / "a.pth", {"model_state_dict": renamed("module._orig_mod.", given), "optimizer": {"lr": 0.1}})


def as_hub_directory(path: Path, given: dict[str, Tensor]) -> Path:
    """Tied tensors once, in two shards with an index."""
    own = {name: tensor.clone() for name, tensor in given.items() if name != "out.weight"}
    shards = {"model-1.safetensors": list(own)[:2], "model-2.safetensors": list(own)[2:]}
    for shard, names in shards.items():
        safetensors.torch.save_file({name: own[name] for name in names}, path / shard)
    places = {name: shard for shard, names in shards.items() for name in names}
    (path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return path


@pytest.mark.parametrize(
    ("save", "notes"),
    [
        (as_pt, []),
        (as_safetensors, []),
        (as_lightning, ["`model.` taken off the names", "1 tensors without `model.` left out"]),
        (as_compiled_and_parallel, ["`_orig_mod.` (torch.compile)", "`module.` taken off"]),
        (as_hub_directory, ["out.weight taken from the tensor that the model ties to it"]),
    ],
)
def test_what_usual_programs_save_fits_and_what_was_changed_is_said(
    tmp_path: Path, save: Callable[[Path, dict[str, Tensor]], Path], notes: list[str]
):
    run, [said] = imported(tmp_path, save(tmp_path, state()))
    assert_same(run.model(0), state())
    assert run.epochs() == [0]
    assert len(run.minibatches()) == 1
    assert all(note in said for note in notes)
    assert said.count(";") == len(notes)


def test_the_checkpoints_are_the_epochs_in_their_order(tmp_path: Path):
    files = [saved(tmp_path / f"{seed}.pt", state(seed)) for seed in (3, 1, 2)]
    run, said = imported(tmp_path, *files)
    assert run.epochs() == [0, 1, 2]
    for epoch, seed in enumerate((3, 1, 2)):
        assert_same(run.model(epoch), state(seed))
        assert said[epoch] == f"epoch {epoch}: {files[epoch]}"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_converted_and_said(tmp_path: Path, dtype: torch.dtype):
    given = converted(dtype, state())
    run, [said] = imported(tmp_path, as_safetensors(tmp_path, given))
    assert_same(run.model(0), converted(torch.float32, given))
    assert f"{str(dtype).removeprefix('torch.')} converted to float32" in said


def test_a_prefix_of_ones_own_is_taken_off(tmp_path: Path):
    mixed = renamed("student.", state(1)) | renamed("teacher.", state(2))
    file = saved(tmp_path / "a.pt", mixed)
    run, [said] = imported(tmp_path, file, prefix="teacher.")
    assert_same(run.model(0), state(2))
    assert "tensors without `teacher.` left out" in said
    with pytest.raises(UserError, match=r"none of its names begins with `net\.`"):
        imported(tmp_path, file, prefix="net.")


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class Evil:
    """A pickle that runs a program."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["GRADVIZ_TEST_EVIL"],)


def shard_elsewhere(path: Path) -> Path:
    index = path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"norm.weight": "../secret.safetensors"}}))
    return index


def shard_lacking(path: Path) -> Path:
    place = as_hub_directory(path, state())
    index = path / "model.safetensors.index.json"
    index.write_text(index.read_text().replace('"norm.bias"', '"norm.shift"'))
    return place


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a whole model": (lambda path: saved(path / "a.pt", Net()), r"holds .*Net, not only tensors; it is not unpickled"),
    "a program": (lambda path: saved(path / "a.pt", {"x": Evil()}), "not unpickled"),
    "a bare pickle": (lambda path: written(path / "a.bin", pickle.dumps(Evil())), "a.bin cannot be used"),
    "random bytes": (lambda path: written(path / "a.pt", b"abc" * 99), "torch cannot read it"),
    "no file": (lambda path: path / "none.pt", "there is no such file"),
    "another suffix": (lambda path: path / "a.h5", "ends in .safetensors"),
    "an empty directory": (lambda path: path, "this directory has none of"),
    "no tensors": (lambda path: saved(path / "a.pt", {"epoch": 3}), "it holds no state dict"),
    "a list": (lambda path: saved(path / "a.pt", [torch.ones(2)]), "it holds no state dict"),
    "a shape": (
        lambda path: as_pt(path, state() | {"norm.bias": torch.ones(7)}),
        r"norm.bias has shape \(7,\), and the study's model has \(4,\)",
    ),
    "a prefixed shape": (
        lambda path: as_pt(path, renamed("module.", state() | {"norm.bias": torch.ones(7)})),
        r"norm.bias has shape \(7,\).*without `module\.`",
    ),
    "a name too many": (lambda path: as_pt(path, state() | {"head": torch.ones(7)}), "it has head, which the study's"),
    "a name too few": (
        lambda path: as_pt(path, {name: tensor for name, tensor in state().items() if name != "norm.bias"}),
        r"it has no norm\.bias",
    ),
    "whole numbers": (lambda path: as_pt(path, state() | {"norm.bias": torch.ones(4).long()}), "norm.bias is int64"),
    "nan": (lambda path: as_pt(path, state() | {"norm.bias": torch.full((4,), torch.nan)}), "not finite"),
    "a shard elsewhere": (shard_elsewhere, "is not a safetensors file beside it"),
    "a shard that lacks a tensor": (shard_lacking, "it has no norm.shift, which model.safetensors.index.json places"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    monkeypatch.setenv("GRADVIZ_TEST_EVIL", str(tmp_path / "evil"))
    make, told = REFUSED[what]
    (tmp_path / "files").mkdir()
    good = saved(tmp_path / "good.pt", state())
    bad = make(tmp_path / "files")
    with pytest.raises(UserError, match=told) as caught:
        imported(tmp_path, good, bad)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "evil").exists()


STUDY_FILE = """
import torch
import gradviz

def make_model(width=3):
    return torch.nn.Linear(width, 2)

study = gradviz.Study("small", make_model, gradviz.CrossEntropy(),
                      minibatches=lambda: [(torch.ones(4, 5), torch.zeros(4, dtype=torch.int64))])
"""


def test_the_command_makes_a_run_and_tells_each_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file, runs, model = tmp_path / "study.py", str(tmp_path / "runs"), nn.Linear(5, 2)
    file.write_text(STUDY_FILE)
    weights = saved(tmp_path / "a.pt", renamed("module.", model.state_dict()))
    typed = ["import", "--study", f"{file}:study", "--run", "a", "--runs", runs, str(weights)]
    assert main([*typed, "--argument", "width=5", "--label", "A"]) == 0
    assert capsys.readouterr().out == f"epoch 0: {weights}; `module.` taken off the names\n"
    [run] = RunStore(runs).study_runs()
    assert (run.record.arguments, run.record.title) == ({"width": 5}, "A")
    for wrong, told in (
        (typed, "weight has shape (2, 5), and the study's model has (2, 3)"),
        ([typed[0], *typed[3:]], "`--study` or GRADVIZ_STUDY must name the study"),
        ([*typed, "--argument", "width"], "`--argument` must be NAME=VALUE"),
        ([*typed[:2], f"{file}:other", *typed[3:]], "has no other: name one of study"),
        ([*typed[:4], "../a", *typed[5:]], "`run` must have"),
    ):
        assert main(wrong) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


def test_a_trained_run_is_kept_unless_it_is_to_be_replaced(tmp_path: Path):
    files = [saved(tmp_path / f"{seed}.pt", state(seed)) for seed in (0, 1)]
    imported(tmp_path, *files)
    with pytest.raises(UserError, match="holds a run already"):
        imported(tmp_path, files[1])
    run, _ = imported(tmp_path, files[1], fresh=True)
    assert_same(run.model(0), state(1))
    assert run.epochs() == [0]
