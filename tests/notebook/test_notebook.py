"""A notebook, run by a kernel of its own: README's Python lines, a field, the dashboard, the widget, and their end."""

import json
import re
import shutil
import socket
import urllib.request
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "notebooks.md").read_text()


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Notebook:
    """A kernel in a directory; `run` executes a cell and returns its outputs by MIME type."""

    def __init__(self, directory: Path) -> None:
        self._book = nbformat.v4.new_notebook()
        self._client = NotebookClient(self._book, timeout=300, resources={"metadata": {"path": str(directory)}})
        self._setup = self._client.setup_kernel()
        self._setup.__enter__()

    def run(self, source: str) -> dict[str, str]:
        cell = nbformat.v4.new_code_cell(source)
        self._book.cells.append(cell)
        self._client.execute_cell(cell, len(self._book.cells) - 1)
        found: dict[str, str] = {}
        for output in cell.outputs:
            found |= output.get("data", {}) | ({"stream": output.text} if output.output_type == "stream" else {})
        return found

    def end(self) -> None:
        self._setup.__exit__(None, None, None)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    opened = Notebook(tmp_path)
    yield opened
    opened.end()


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


def address_in(outputs: dict[str, str]) -> str:
    [address] = re.findall(r'<iframe src="([^"]+)"', outputs["text/html"])
    return address


def test_the_lines_of_the_readme_show_a_field(notebook: Notebook, tmp_path: Path, tiny_runs: Path):
    shutil.copytree(tiny_runs, tmp_path / "checkpoints")
    [lines] = [block for block in python_blocks(README) if "gradient_landscape(" in block]
    notebook.run(lines.replace("run.model(12)", "run.model(1)"))
    shown = notebook.run("field")
    assert "<svg" in shown["text/html"]
    assert "hidden.1.linear.bias[0]" in shown["text/html"]
    assert "eval mode" in shown["text/html"]
    assert "script" not in shown["text/html"]
    opened = notebook.run("import gradviz\ngradviz.explore(runs='checkpoints')")
    assert status(f"{address_in(opened)}api/v1/runs") == 200


def test_the_guide_runs_as_it_stands_and_all_of_it_ends_with_the_kernel(notebook: Notebook):
    shown = [notebook.run(block) for block in python_blocks(GUIDE)]
    [address] = [address_in(outputs) for outputs in shown if "<iframe" in outputs.get("text/html", "")]
    widgets = [outputs for outputs in shown if "application/vnd.jupyter.widget-view+json" in outputs]
    assert widgets
    assert all("<svg" in outputs["text/html"] for outputs in widgets)  # for places that show no widgets
    for path in ("", "api/v1/runs", "api/v1/landscape?run=now&epoch=0&x=0.weight%5B0,0%5D&y=0.bias%5B1%5D"):
        assert status(address + path) == 200
    place = urlsplit(address)
    root = f"{place.scheme}://{place.netloc}"
    for path in ("/", "/api/v1/runs", "/wrong/", "/healthz"):
        assert status(root + path) == 403
    notebook.end()
    with pytest.raises((URLError, ConnectionError)):
        status(address)
    with socket.socket() as one:
        assert one.connect_ex((place.hostname, place.port)) != 0


def test_a_widget_follows_its_traits_and_says_what_is_wrong(notebook: Notebook, tmp_path: Path, tiny_runs: Path):
    shutil.copytree(tiny_runs, tmp_path / "runs")
    notebook.run(
        "import gradviz\nw = gradviz.widget(runs='runs', run='none', x='hidden.0.linear.bias[0]', "
        "y='hidden.0.linear.bias[1]', points=5)\nlast = w.epoch"
    )
    told = notebook.run(
        "first = w.field\nw.epoch = 0\nprint(w.answer['epoch'], first is w.field, w.field.u.shape, last > 0)\n"
        "w.epoch = 99\nprint(w.trouble)"
    )["stream"]
    assert told.startswith("0 False (5, 5) True\n")
    assert "99" in told
    told = notebook.run(
        "def broken(request):\n    raise ZeroDivisionError('in the study')\n"
        "w._bench.landscape = broken\ntry:\n    w.epoch = 1\nexcept ZeroDivisionError:\n    print(w.trouble)"
    )["stream"]
    assert told.strip() == "ZeroDivisionError: in the study"
    with pytest.raises(CellExecutionError, match="`x` and `y` must be parameters"):
        notebook.run("gradviz.widget(runs='runs', run='none', x='gradient:0', y='random:1')")


def test_cells_and_the_page_never_compute_at_once(notebook: Notebook):
    """While a cell runs, what the page asks for waits; random numbers of a cell are as they are without a page."""
    setup = python_blocks(GUIDE)[0]
    notebook.run(setup)
    told = notebook.run(
        "import gradviz, json, threading, urllib.request, urllib.error\n"
        "shown = gradviz.explore(study, model, minibatches)\n"
        "def ask():\n"
        "    try:\n"
        "        address = shown.url + 'api/v1/landscape?run=now&epoch=0&x=0.weight%5B0,0%5D&y=0.bias%5B1%5D'\n"
        "        return urllib.request.urlopen(address).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code, error.headers['Retry-After']\n"
        "print(json.dumps(ask()))"
    )["stream"]
    assert json.loads(told) == [503, "1"]
    address = notebook.run("print(shown.url)")["stream"].strip()
    assert status(f"{address}api/v1/landscape?run=now&epoch=0&x=0.weight%5B0,0%5D&y=0.bias%5B1%5D") == 200
    notebook.run("shown.close()")
    assert "closed" in notebook.run("shown")["text/html"]
