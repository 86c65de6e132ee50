"""Behind a proxy, below a path: every view, links, exports and the API, and nothing is asked outside that path."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Serve, Visit, shoot, wait_until_drawn
from tests.deploy.conftest import free_port, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed: apt-get install caddy"),
]

CONFIG = (ROOT / "deploy" / "below-a-path.caddy").read_text()
OURS = "/tools/gradviz"
HUB = "/user/ada@example.org/proxy/8050"  # as JupyterHub and jupyter-server-proxy have it
Proxy = Callable[..., Any]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """`proxy(server)` begins a caddy before it, whose address has a `path`; `kept`: that path is passed on.

    Ask for it before `visit`, whose pages are then closed before it ends.
    """
    with ExitStack() as held:

        def begin(server: Any, path: str = OURS, *, kept: bool = False) -> Any:
            port = free_port()
            config = tmp_path / "Caddyfile"
            text = CONFIG.replace(OURS, path)
            config.write_text(text.replace("handle_path", "handle") if kept else text)
            environment = os.environ | {
                "GRADVIZ_SITE": f"http://127.0.0.1:{port}",
                "GRADVIZ_WEB": server.url.removeprefix("http://"),
                **dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(tmp_path)),
            }
            command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
            process = held.enter_context(running(command, env=environment, cwd=tmp_path))
            process.wait_for("serving initial configuration")
            return SimpleNamespace(url=f"http://127.0.0.1:{port}", path=path)

        yield begin


def asked_outside(page: Page, path: str) -> list[str]:
    """The requests of a page that lie elsewhere than below the path."""
    names = page.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    assert len(names) > 3
    return [name for name in names if not urlsplit(name).path.startswith(f"{path}/") and not name.startswith("blob:")]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        pytest.param(OURS, False, id="taken off"),
        pytest.param(OURS, True, id="kept", marks=pytest.mark.slow),
        pytest.param(HUB, False, id="JupyterHub", marks=pytest.mark.slow),
    ],
)
def test_every_view_is_there_below_a_path(
    proxy: Proxy, visit: Visit, own_server: Serve, trained: Path, path: str, kept: bool
) -> None:
    site = proxy(own_server(trained, **({"GRADVIZ_PREFIX": path} if kept else {})), path, kept=kept)
    page = visit(f"{path}/?epoch=3", at=site)
    for name, what in (("Compare", "#graph-1"), ("Minibatches", "#spread-words"), ("Explore", "#graph-0")):
        page.locator("#view").get_by_text(name).click()
        expect(page.locator(what)).to_be_visible()
        wait_until_drawn(page)
    for name, what in (("Paths", "#paths-form"), ("Training", "#training"), ("Evidence", "#evidence-state")):
        page.locator("#view").get_by_text(name).click()
        expect(page.locator(what)).to_be_visible()
    shoot(page, "below-a-path")
    link = page.locator("#evidence-claims a[href^='?']").first
    link.wait_for(timeout=120_000)
    leads_to = parse_qs((link.get_attribute("href") or "").removeprefix("?"))
    link.click()
    page.wait_for_function("(view) => window.gradvizPage?.view?.view === view", arg=leads_to["view"][0])
    assert urlsplit(page.url).path == f"{path}/"
    assert asked_outside(page, path) == []


@pytest.mark.parametrize(
    "kept",
    [pytest.param(False, id="taken off", marks=pytest.mark.slow), pytest.param(True, id="kept")],
)
def test_exports_links_and_the_api_work_below_a_path(
    proxy: Proxy, visit: Visit, own_server: Serve, trained: Path, tmp_path: Path, kept: bool
) -> None:
    site = proxy(own_server(trained, **({"GRADVIZ_PREFIX": OURS} if kept else {})), kept=kept)
    page = visit(f"{OURS}?epoch=2&run=dropout", at=site)  # without its last slash
    assert page.url.startswith(f"{site.url}{OURS}/?")
    assert "epoch=2" in page.url
    page.get_by_role("button", name="Export").click()
    for name, begins in (("CSV", b"x"), ("PDF", b"%PDF"), ("GIF", b"GIF8")):
        with page.expect_download(timeout=120_000) as coming:
            page.get_by_role("dialog").get_by_role("button", name=name).first.click()
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        assert path.read_bytes().startswith(begins) or path.suffix == ".zip"
    copied = visit(urlsplit(page.url)._replace(scheme="", netloc="").geturl(), at=site)
    assert copied.evaluate("() => window.gradvizPage.view.run") == "dropout"
    document = json.loads(page.request.get(f"{site.url}{OURS}/api/v1/openapi.json").text())
    base = page.evaluate(
        "([url, at]) => new URL(url, at).pathname",
        [document["servers"][0]["url"], f"{site.url}{OURS}/api/v1/openapi.json"],
    )
    assert base == f"{OURS}/"
    for path in ("/healthz", "/readyz", "/api/v1/runs", "/assets/gradviz.css"):
        assert page.request.get(f"{site.url}{OURS}{path}").ok
        assert page.request.get(f"{site.url}{path}").status == 404
    assert asked_outside(page, OURS) == []


WIKI = "<!doctype html><title>A wiki</title><h1>Our runs</h1><iframe src='{}' width=1100 height=640></iframe>"


@pytest.fixture
def wiki(tmp_path: Path) -> Iterator[Any]:
    """Another site, whose pages are the files of a directory."""
    directory = tmp_path / "wiki"
    directory.mkdir()
    handler = partial(_Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", directory=directory)
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


_COMMAND = """async (address) => {
  const body = JSON.stringify({ action: "stop" });
  const ways = [{ headers: { "Content-Type": "application/json" } }, { mode: "no-cors" }];
  const asked = ways.map((way) => fetch(address, { method: "POST", body, ...way }));
  return (await Promise.allSettled(asked)).map(({ value }) => value?.type ?? "refused");
}"""


def test_a_page_that_may_show_it_in_a_frame_shows_it_and_commands_nothing(
    own_server: Serve, wiki: Any, trained: Path, browser: Any
) -> None:
    open_to = own_server(trained, GRADVIZ_FRAME_ANCESTORS=wiki.url)
    closed = own_server(trained)
    for name, server in (("open", open_to), ("closed", closed)):
        (wiki.directory / f"{name}.html").write_text(WIKI.format(f"{server.url}/?epoch=3"))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{wiki.url}/open.html")
        frame = page.frames[1]
        wait_until_drawn(frame)
        frame.get_by_role("slider", name="Epoch").focus()
        page.keyboard.press("ArrowLeft")
        frame.wait_for_function("() => window.gradvizPage.view.epoch === 2")
        frame.wait_for_function("() => window.gradvizPage.panels.every(({ isDrawn, index }) => isDrawn && index === 2)")
        shoot(page, "in-a-frame")
        # The frame's own buttons work; the page around it reaches neither its document nor the server.
        before = frame.evaluate("async () => (await fetch('api/v1/training')).json()")
        statuses: list[int] = []
        page.on("response", lambda answer: statuses.append(answer.status) if answer.frame == page.main_frame else None)
        assert page.evaluate(_COMMAND, f"{open_to.url}/api/v1/training") == ["refused", "opaque"]
        assert set(statuses) == {403}
        assert page.evaluate("() => document.querySelector('iframe').contentDocument") is None
        assert frame.evaluate("async () => (await fetch('api/v1/training')).json()") == before
        page.goto(f"{wiki.url}/closed.html")
        page.wait_for_load_state()
        assert page.frames[1].evaluate("() => Boolean(window.gradvizPage)") is False
