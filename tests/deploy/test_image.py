"""The Dockerfile's commands, executed: the installed package serves without the repository, and its health is told."""

import json
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT, Image, dockerfile_stages, free_port, running

pytestmark = pytest.mark.slow


def last(name: str) -> str:
    return [rest for each, rest in dockerfile_stages()[-1] if each == name][-1]


def health_check() -> list[str]:
    rest = last("HEALTHCHECK")
    return json.loads(rest[rest.index("[") :])


def is_healthy(image: Image, check: list[str], port: str) -> bool:
    program, *words = (word.replace("8050", port) for word in check)
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
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/assets/stage.js", timeout=30) as answer:
            assert b"gradviz" in answer.read()
        assert server.end() == 0
