"""The commands of the Dockerfile and of compose.yaml, executed: what is installed works without the repository."""

import json
import subprocess
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from urllib.error import HTTPError

import pytest

from gradviz.compute.celery.client import NO_WORKER
from tests.deploy.conftest import ROOT, SERVICES, Broker, Image, dockerfile_stages, free_port, interpolated, running

pytestmark = pytest.mark.slow
PAUSE = threading.Event()  # never set: before one asks again
LANDSCAPE = "/api/v1/landscape?variant=none&epoch=1&x=output.bias%5B0%5D&y=hidden.1.linear.bias%5B0%5D&format=binary"


def last(name: str) -> str:
    return [rest for each, rest in dockerfile_stages()[-1] if each == name][-1]


def health_check() -> list[str]:
    rest = last("HEALTHCHECK")
    return json.loads(rest[rest.index("[") :])


def is_healthy(image: Image, check: list[str], port: str) -> bool:
    program, *words = (word.replace("8050", port).replace("8051", port) for word in check)
    return subprocess.run([image.bin / program, *words], capture_output=True, timeout=30, check=False).returncode == 0


def test_the_package_in_the_image_is_whole(image: Image, tmp_path: Path):
    asked = [image.bin / "python", "-c", "import gradviz; print(gradviz.__file__)"]
    package = Path(subprocess.check_output(asked, env=image.environment, cwd=tmp_path, text=True)).parent
    assert package.is_relative_to(image.bin.parent)
    names = {path.name for path in package.rglob("*.*") if path.suffix in (".py", ".js", ".css")}
    here = {path.name for room in ("gradviz", "assets") for path in (ROOT / room).rglob("*.*")}
    assert {name for name in here if Path(name).suffix in (".py", ".js", ".css")} == names


def test_all_that_is_required_is_there_and_nothing_of_development(image: Image):
    subprocess.run([image.bin / "pip", "check"], check=True, capture_output=True, timeout=60)
    asked = [image.bin / "python", "-c", "import pytest"]
    assert b"No module named 'pytest'" in subprocess.run(asked, capture_output=True, timeout=60, check=False).stderr


def test_the_image_serves_and_tells_its_health(image: Image, tmp_path: Path):
    port = str(free_port())
    environment = {**image.environment, "GRADVIZ_HOST": "127.0.0.1", "GRADVIZ_PORT": port, "GRADVIZ_READ_ONLY": "1"}
    assert not is_healthy(image, health_check(), port)
    with running(json.loads(last("CMD")), env=environment, cwd=tmp_path) as server:
        server.wait_for(f"gradviz: http://127.0.0.1:{port}")
        assert is_healthy(image, health_check(), port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/assets/main.js", timeout=30) as answer:
            assert b"import" in answer.read()
        assert server.end() == 0


@dataclass(frozen=True)
class Service:
    """One of compose.yaml as it runs here: its volumes in `directory`, its secrets as variables, a port of its own."""

    name: str
    port: str
    broker: Broker
    directory: Path

    @property
    def command(self) -> list[str]:
        return SERVICES[self.name]["command"]

    def environment(self, image: Image) -> Mapping[str, str]:
        service = SERVICES[self.name]
        own = {name: interpolated(value) for name, value in service["environment"].items()}
        own |= {name: self.secret(name) for name in service["secrets"] if name.startswith("GRADVIZ_")}
        places = {Path(mount.split(":")[1]).name: self.directory / mount.split(":")[0] for mount in service["volumes"]}
        own |= {"GRADVIZ_RUNS": str(places["checkpoints"]), "GRADVIZ_CACHE_DIR": str(places["cache"])}
        port = "GRADVIZ_WORKER_PORT" if "worker" in self.name else "GRADVIZ_PORT"
        return {**image.environment, **own, "GRADVIZ_HOST": "127.0.0.1", port: self.port}

    def secret(self, name: str) -> str:
        return (self.broker.secrets / name).read_text().strip()

    def get(self, path: str) -> bytes:
        """Asks again, when the answer says to, as long as the worker's processes begin."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        password = b64encode(f":{self.secret('GRADVIZ_PASSWORD')}".encode()).decode()
        asked.add_header("Authorization", f"Basic {password}")
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=120) as answer:
                    return answer.read()
            except HTTPError as refusal:
                refused, again_after = (refusal.code, json.loads(refusal.read())), refusal.headers["Retry-After"]
            assert refused == (503, {"error": NO_WORKER}), path
            PAUSE.wait(float(again_after))


@pytest.mark.redis
def test_the_services_of_compose_answer_together(image: Image, broker: Broker, tiny_runs: Path, tmp_path: Path):
    copytree(tiny_runs, tmp_path / "runs")
    web, worker = (Service(name, str(free_port()), broker, tmp_path) for name in ("web-1", "worker-cpu"))
    with (
        broker.running(),
        running(worker.command, env=worker.environment(image), cwd=tmp_path) as computing,
        running(web.command, env=web.environment(image), cwd=tmp_path) as serving,
    ):
        computing.wait_for("gradviz: works for rediss://localhost")
        assert is_healthy(image, SERVICES[worker.name]["healthcheck"]["test"][1:], worker.port)
        serving.wait_for(f"gradviz: http://127.0.0.1:{web.port}")
        assert is_healthy(image, health_check(), web.port)
        assert json.loads(web.get("/readyz"))["checks"]["compute"] == "ok"
        assert len(web.get(LANDSCAPE)) > 1000
        told = {each.name: each.get("/metrics").decode() for each in (web, worker)}
        assert serving.end() == 0
        assert computing.end() == 0
    assert 'gradviz_task_seconds_count{kind="landscape"} 1.0' in told["worker-cpu"]
    assert "gradviz_broker_reachable 1.0" in told["web-1"]
    assert any((tmp_path / "worker-cache").iterdir())
