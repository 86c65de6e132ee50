"""The programs of docs/your-network.md do what it says."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from gradviz.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "your-network.md").read_text()
PROGRAMS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
[LANDSCAPE] = re.findall(r"^gradviz (landscape .*)$", PAGE, re.MULTILINE)
[IMPORT] = re.findall(r"^gradviz (import .*)$", PAGE, re.MULTILINE)
[WHY] = re.findall(r"^gradviz (why .*)$", PAGE, re.MULTILINE)


def test_the_programs_of_the_page_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name, text in PROGRAMS.items():
        Path(name).write_text(text)
    for name in ("train.py", "look.py"):
        program: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(PROGRAMS[name], str(tmp_path / name), "exec"), program)
        if name == "train.py":
            program["run"].close()  # as Python does at its exit
            run = sys.modules.pop("study")
            assert run.study.file == tmp_path / "study.py"
    assert re.match(r"\[0, 1, 2, 3\] 0\.[5-9]\d* tensor\(\d", capsys.readouterr().out)
    assert main(shlex.split(LANDSCAPE)) == 0
    assert "21 × 21 arrows of adamw, epoch 3" in capsys.readouterr().out
    assert main(shlex.split(WHY)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    model = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    torch.save({"state_dict": model.state_dict()}, "epoch-1.pt")
    safetensors.torch.save_file(model.half().state_dict(), "epoch-2.safetensors")
    assert main(shlex.split(IMPORT)) == 0
    assert "epoch 1: epoch-2.safetensors; float16 converted" in capsys.readouterr().out
    assert main(["train", "--study", "recipe.py:study", "--runs", "runs"]) == 0
    assert "dropout    epoch 5/5" in capsys.readouterr().out
    assert main(["runs", "--runs", "runs"]) == 0
    assert re.search(r"adamw .* flowers .* adamw .* 3 ", capsys.readouterr().out)
