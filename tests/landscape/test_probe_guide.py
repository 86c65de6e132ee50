"""The Python of docs/probe.md runs, and its paths are what the page says of them."""

import re
from pathlib import Path
from typing import Any

import torch

PAGE = (Path(__file__).parents[2] / "docs" / "probe.md").read_text()


def test_the_guides_lines_run_one_after_the_other(capsys):
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    first, second = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(first, names)  # our own lines
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["this", "next", "alternating", "all"]
    exec(second, names)
    assert {len(path.x) for path in names["found"].paths} == {51}
    assert all(path.all_loss < names["found"].start_loss for path in names["found"].paths)
