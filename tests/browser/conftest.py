"""A real server in a process of its own, and a browser in which no error, foreign request or violation is tolerated."""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Frame, Page, expect, sync_playwright

from gradviz.commands.web_server import WORKER
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from tests.preloaded import gunicorn_process

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "artefacts" / "browser"
NUM_EPOCHS = 7  # the initialisation and six
_PATIENCE_MS = 60_000  # a server that starts imports torch, which takes long on a machine that is busy

LaunchOptions = dict[str, Any]
Serve = Callable[..., "Server"]
Visit = Callable[..., Page]


@dataclass
class Server:
    """gunicorn on a free loopback port; `restart` keeps the port. `settings`: further `GRADVIZ_*` variables."""

    runs: Path
    cache: Path
    port: int = 0
    process: ForkServerProcess | None = None
    application: str = "app:server"
    settings: Mapping[str, str] = field(default_factory=dict)
    _lines: TextIO = field(init=False, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = [self.application, "--bind", f"127.0.0.1:{self.port}", "--worker-class", WORKER]
        arguments += ["--graceful-timeout", "2", "--no-control-socket", "--chdir", str(ROOT)]
        environment = os.environ | {"GRADVIZ_RUNS": str(self.runs), "GRADVIZ_CACHE_DIR": str(self.cache)}
        self.process, said = gunicorn_process(arguments, {**environment, **self.settings})
        self._lines = os.fdopen(os.dup(said.fileno()))
        said.close()
        for line in self._lines:
            match = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)
            if match:
                self.port = int(match[1])
            if "Booting worker" in line:
                return
        raise RuntimeError("The server has ended before it listened.")

    def kill(self) -> None:
        """All its processes at once, without a word to those who are connected."""
        if self.process is not None and self.process.pid is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self._end()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self._end()

    def _end(self) -> None:
        assert self.process is not None
        self._lines.read()  # until its last process has ended
        self._lines.close()
        self.process.join(20)
        self.process.close()
        self.process = None


def chromium_program() -> str | None:
    """The first one that is installed: without windows, of which nobody sees anything, it takes a fifth less time."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[BrowserType, LaunchOptions]]:
    """The browser that is installed, and how to launch it."""
    program = chromium_program()
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium-headless-shell")
    expect.set_options(timeout=_PATIENCE_MS)
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-quic"]
    flags += ["--renderer-process-limit=1"]  # a page that is not the first finds the scripts in its process, compiled
    with sync_playwright() as playwright:
        yield playwright.chromium, {"executable_path": program, "args": flags}


@pytest.fixture(scope="session")
def browser(chromium: tuple[BrowserType, LaunchOptions]) -> Iterator[Browser]:
    """A browser that has never been here."""
    kind, options = chromium
    launched = kind.launch(**options)
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of all variants with enough rows for 50 minibatches of 16."""
    path = tmp_path_factory.mktemp("browser") / "runs"
    path.mkdir()
    train(path, run_configs(epochs=NUM_EPOCHS - 1, rows=1000, hidden=(20, 10, 5)), device="cpu")
    return path


@pytest.fixture(scope="session")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that most tests share; none of them changes its runs."""
    with served(trained, tmp_path_factory.mktemp("cache")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server over runs of the test's own."""
    started: list[Server] = []

    def serve(runs: Path, **settings: str) -> Server:
        started.append(Server(runs, tmp_path / f"cache-{len(started)}", settings=settings))
        started[-1].start()
        return started[-1]

    yield serve
    for one in started:
        one.stop()


@contextmanager
def served(runs: Path, cache: Path) -> Iterator[Server]:
    running = Server(runs, cache)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@dataclass
class Witness:
    """What a page did that it should not have done."""

    origin: str
    lenient: bool = False
    """Console errors are expected, as of a server that is away. Violations and foreign requests never are."""
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, kind: str, text: str) -> None:
        if "violation of " in text or (kind in ("error", "warning") and not self.lenient):
            self.complaints.append(f"{kind}: {text}")

    def _request(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.complaints.append(f"foreign request: {url}")


_TELL_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', (event) =>"
    " console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`))"
)


@pytest.fixture(scope="session")
def context(
    chromium: tuple[BrowserType, LaunchOptions], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A visitor who has been here before: the scripts are in the browser's cache, compiled.

    Only a browser with a directory of its own keeps compiled scripts: without, a visit takes twice as long.
    """
    kind, options = chromium
    shared = _prepared(kind.launch_persistent_context(tmp_path_factory.mktemp("chromium"), **options))
    yield shared
    shared.close()


def _prepared(context: BrowserContext) -> BrowserContext:
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(_TELL_VIOLATIONS)
    return context


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, context: BrowserContext, server: Server, own_server: Serve
) -> Iterator[Visit]:
    """`visit("/?epoch=3", width=…, scheme="dark")` opens a page, waits until it is drawn, and returns it.

    Pages are closed before the test's own servers end.
    `stranger` visits with nothing cached or remembered. When the test ends, every page must have been without error,
    violation or foreign request; `lenient` lets errors pass.
    """
    opened: list[tuple[Page, Witness]] = []
    own_contexts: list[BrowserContext] = []

    def open_page(
        address: str = "/",
        *,
        at: Server | None = None,
        width: int = 1280,
        height: int = 720,
        scheme: str = "light",
        reduced_motion: str = "no-preference",
        lenient: bool = False,
        drawn: bool = True,
        stranger: bool = False,
    ) -> Page:
        origin = (at or server).url
        if stranger:
            own_contexts.append(_prepared(request.getfixturevalue("browser").new_context()))
        page = (own_contexts[-1] if stranger else context).new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(
            color_scheme=scheme,  # pyright: ignore[reportArgumentType]  (a literal)
            reduced_motion=reduced_motion,  # pyright: ignore[reportArgumentType]  (a literal)
        )
        witness = Witness(origin, lenient)
        witness.watch(page)
        opened.append((page, witness))
        page.goto(origin + address)
        if drawn:
            wait_until_drawn(page)
        return page

    yield open_page
    for page, _ in opened:
        page.close()
    for one in own_contexts:
        one.close()
    assert [complaint for _, witness in opened for complaint in witness.complaints] == []


_DRAWN = """() => {
  const panels = window.gradvizPage?.panels ?? [];
  const isThere = ({ state, isDrawn, isLoading }) => isDrawn && !isLoading && ["ready", "zero"].includes(state);
  return panels.length > 0 && panels.every(isThere);
}"""


def wait_until_drawn(page: Page | Frame) -> None:
    """Until Plotly shows what is chosen in every panel, and all frames of the selection are in memory."""
    page.wait_for_function(_DRAWN)


def shoot(page: Page, name: str) -> Path:
    """A screenshot in `artefacts/browser`, for looking at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    return path
