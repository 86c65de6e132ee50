"""The page of a server whose workers are elsewhere: it says what it waits for, and heals by itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.settings import Settings
from tests.browser.conftest import Serve, Visit, wait_until_drawn
from tests.compute.celery.running import RedisServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.redis,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
LIMIT = 3

WorkFor = Callable[[str, dict[str, str]], None]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis", ("--appendonly", "yes")).start()
    yield server
    server.kill()


@pytest.fixture
def work_for(trained: Path, tmp_path: Path) -> Iterator[WorkFor]:
    """Starts workers of some queues, which end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(queues: str, variables: dict[str, str]) -> None:
        places = {"GRADVIZ_RUNS": str(trained), "GRADVIZ_CACHE_DIR": str(tmp_path / "cache-of-the-worker")}
        command = [sys.executable, "-m", "gradviz", "worker", "--device", "cpu", "--queues", queues]
        started.append(subprocess.Popen(command, env=os.environ | variables | places))

    yield start
    for one in started:
        one.terminate()
        one.wait()


def test_a_page_says_that_nobody_computes_and_reconnecting_and_heals(
    visit: Visit,
    own_server: Serve,
    trained: Path,
    broker: RedisServer,
    work_for: WorkFor,
    tmp_path: Path,
) -> None:
    variables = {"GRADVIZ_COMPUTE": "celery", "GRADVIZ_BROKER": broker.url, "GRADVIZ_QUEUE_LIMIT": str(LIMIT)}
    ask_as_many_as_may_wait(trained, broker, tmp_path / "cache-of-another")
    page = visit("/?epoch=3", at=own_server(trained, **variables), lenient=True, drawn=False)
    picture = page.locator("#panel-0")
    expect(picture).to_contain_text("No compute worker is connected; start one with")
    broker.kill()
    expect(picture).to_contain_text("Reconnecting")
    broker.start()
    expect(picture).to_contain_text("No compute worker is connected; start one with")
    work_for("interactive,batch", variables)
    wait_until_drawn(page)


def test_paths_wait_for_a_worker_and_come_from_it(
    visit: Visit,
    own_server: Serve,
    trained: Path,
    broker: RedisServer,
    work_for: WorkFor,
) -> None:
    variables = {"GRADVIZ_COMPUTE": "celery", "GRADVIZ_BROKER": broker.url}
    page = visit(
        "/?view=paths&run=none&epoch=0&replicas=3", at=own_server(trained, **variables), lenient=True, drawn=False
    )
    state = page.locator("#paths-state")
    state.get_by_role("button", name="Start").click()
    expect(state).to_contain_text("Waits for a worker.")
    expect(state).to_contain_text("No worker of paths is connected; start one with `gradviz worker --queues paths`.")
    state.get_by_role("button", name="Cancel").click()
    expect(state).to_contain_text("Cancelled.")
    state.get_by_role("button", name="Start").click()
    expect(state).to_contain_text("Waits for a worker.")
    work_for("paths", variables)
    expect(state).to_contain_text("These paths are computed", timeout=120_000)


def ask_as_many_as_may_wait(runs: Path, broker: RedisServer, cache: Path) -> None:
    """As another server does, before there is a worker."""
    settings = Settings.model_validate(
        {"runs": runs, "cache_dir": cache, "compute": "celery", "broker": broker.url, "queue_limit": LIMIT}
    )
    with FieldCache(cache) as answers:
        compute = CeleryCompute(RunStore(runs), answers, settings)
        for epoch in range(LIMIT):
            request = LandscapeRequest.of(
                run="none", epoch=epoch, points=5, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]"
            )
            compute.submit([LandscapeQuestion(request=request)])
