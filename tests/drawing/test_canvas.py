"""Pictures are the same bytes whatever the environment says, and whoever else draws at the same time."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import Look
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import picture_bytes
from gradviz.landscape import LandscapeRequest
from tests.drawing.fields import random_field

REQUEST = LandscapeRequest.of(run="none", epoch=0, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]")
ODD_STYLE = """
text.usetex: True
savefig.bbox: tight
savefig.facecolor: red
axes.grid: True
axes.prop_cycle: cycler('color', ['r'])
lines.linewidth: 9
path.sketch: 5, 10, 2
font.sans-serif: Comic Sans MS
figure.constrained_layout.use: False
image.cmap: jet
legend.frameon: True
svg.fonttype: none
no.such.key: 3
"""


DRAWN = ("nothing", "a notebook's kernel", "an odd style", "a style that is no text")
"""Environments in which pictures are drawn; in the others, which take their time, the settings are those of drawing."""

# A process in which matplotlib was never imported makes one child for each environment, when it is asked for.
CHILDREN = """
import hashlib, json, os, sys, traceback
import contourpy, cycler, dateutil.parser, kiwisolver, packaging.version, PIL.Image, PIL.PngImagePlugin, pyparsing
import gradviz.landscape
assert "matplotlib" not in sys.modules
for line in sys.stdin:
    name, variables = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.environ.update(variables)
        try:
            from tests.drawing.fields import random_field
            from tests.drawing.test_canvas import DRAWN, REQUEST
            from gradviz.drawing.canvas import matplotlib, styled
            from gradviz.drawing.look import PLAIN
            from gradviz.drawing.still import Shown, picture_bytes, picture_style
            with styled(picture_style(PLAIN)):
                settings = {key: repr(value) for key, value in dict.items(matplotlib.rcParams) if "backend" not in key}
            pictures = [picture_bytes(Shown(random_field(), REQUEST), kind) for kind in ("png", "svg") if name in DRAWN]
            kept = all(os.environ[key] == value for key, value in variables.items() if key != "MPLCONFIGDIR")
            drawn = [repr(sorted(settings.items())).encode(), *pictures]
            digests = [hashlib.sha256(each).hexdigest() for each in drawn]
            said = digests if kept else "the environment was changed"
        except BaseException:
            said = traceback.format_exc()[-300:]
        print(json.dumps(said), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
"""


# {} is a directory with the files of `drawn`.
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "nothing": {},
    "a notebook's kernel": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    "widget": {"MPLBACKEND": "widget"},
    "nonsense": {"MPLBACKEND": "nonsense"},
    "windows": {"MPLBACKEND": "TkAgg"},
    "an odd style": {"MATPLOTLIBRC": "{}/odd"},
    "a style that is no text": {"MATPLOTLIBRC": "{}/broken"},
    "a style that is a directory": {"MATPLOTLIBRC": "{}"},
    "a style that is not there": {"MATPLOTLIBRC": "{}/none"},
    "both": {"MATPLOTLIBRC": "{}/broken", "MPLBACKEND": "inline"},
    "no home": {
        "MPLCONFIGDIR": "{}/odd/below",
        "HOME": "{}/odd",
        "XDG_CACHE_HOME": "{}/odd",
        "XDG_CONFIG_HOME": "{}/odd",
    },
    "other words and times": {"LC_ALL": "C", "TZ": "Asia/Kathmandu", "SOURCE_DATE_EPOCH": "0"},
    "a display": {"DISPLAY": ":99", "WAYLAND_DISPLAY": "none", "QT_QPA_PLATFORM": "nonsense"},
}


_FEW = (*DRAWN, "nonsense", "no home")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[str]]]:
    """For an environment: digests of matplotlib's settings, a png and an svg; or what was raised."""
    files = tmp_path_factory.mktemp("environments")
    (files / "odd").write_text(ODD_STYLE)
    (files / "broken").write_bytes(b"\xff\xfe\x00")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "MATPLOTLIB"))}
    root = Path(__file__).parents[2]
    paths = {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", CHILDREN], env=clean | paths, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        @cache
        def drawn_in(name: str) -> list[str]:
            variables = {key: value.replace("{}", str(files)) for key, value in ENVIRONMENTS[name].items()}
            asked.write(json.dumps([name, variables]) + "\n")
            asked.flush()
            return json.loads(told.readline())

        yield drawn_in


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _FEW else [pytest.mark.slow]) for name in ENVIRONMENTS]
)
def test_a_picture_is_the_same_bytes_in_any_environment(drawn: Callable[[str], list[str]], name: str):
    plain = drawn("nothing")
    assert len(plain) == 3
    assert drawn(name) == plain[: 3 if name in DRAWN else 1]


def test_pictures_drawn_at_the_same_time_keep_their_own_colours():
    """matplotlib's settings are global: without a turn for each, one would be drawn in the other's."""
    looks = [Look(palette) for palette in PALETTES.values()]

    def draw(look: Look) -> bytes:
        return picture_bytes(Shown(random_field(), REQUEST), "svg", look)

    alone = [draw(look) for look in looks]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(draw, looks * 2))
    assert together == alone * 2


def test_nothing_else_imports_matplotlib():
    rooms = Path(__file__).parents[2] / "gradviz"
    importing = re.compile(r"^\s*(?:import|from) matplotlib", re.MULTILINE)
    assert [path.name for path in rooms.rglob("*.py") if importing.search(path.read_text())] == ["canvas.py"]
