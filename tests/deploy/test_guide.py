"""docs/deploy.md: each command that needs no docker is run, section by section, and what else it says is checked."""

import configparser
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from gradviz.parser import parser
from gradviz.settings import Settings, variable_name
from tests.deploy.conftest import ROOT, SERVICES, free_port

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = re.findall(r"^```(\S*)(?: (\S+))?\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
SECONDS = 240


def sections() -> dict[str, str]:
    """The commands of each section that has any, in order."""
    parts = re.split(r"^## (.+)$", GUIDE, flags=re.MULTILINE)
    found = {}
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        commands = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if commands:
            found[title] = "".join(commands)
    return found


SECTIONS = sections()
BELOW = "Below a path, in a frame, JupyterHub"


def run(script: str, directory: Path) -> str:
    """One section in one shell, which ends at the first command that fails, with ports that are free."""
    ports: dict[str, str] = {}
    for port in sorted(set(re.findall(r"\b(?:8050|8051|8052|8080|6379)\b", script))):
        ports[port] = str(free_port())
        script = re.sub(rf"\b{port}\b", ports[port], script)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRADVIZ_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(directory)}
    options = ("bash", "-m", "-o", "errexit", "-o", "nounset", "-o", "pipefail", "-c", script)
    with subprocess.Popen(
        options,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            output, _ = shell.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            output = "it has not ended"
        if shell.returncode != 0:
            _end_session(shell.pid)
    assert shell.returncode == 0, f"{output}\n{logs(directory)}"
    return output


def _end_session(leader: int) -> None:
    """All that the shell has started, each in a group of its own, and the shell."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGTERM)
        except (OSError, IndexError):
            continue  # it has ended meanwhile


def logs(directory: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in directory.glob("*.log"))


@pytest.fixture
def clone(tmp_path: Path, tiny_runs: Path) -> Path:
    """What the guide's commands see: the files that are deployed, and runs that are trained."""
    directory = tmp_path / "clone"
    shutil.copytree(ROOT / "deploy", directory / "deploy")
    shutil.copytree(tiny_runs, directory / "checkpoints")
    return directory


@pytest.mark.slow
def test_one_machine(clone: Path):
    output = run(SECTIONS["One machine"], clone)
    assert '"ready":true' in output
    assert '"state":"finished"' in output
    assert "gradviz_request_seconds_bucket" in output
    assert '"status": 200' in output
    told = set(re.findall(r"^# TYPE (\w+) ", output, re.MULTILINE))
    named = set(re.findall(r"`(gradviz_\w+)`", GUIDE.partition("## Watching it")[2]))
    assert named - {"gradviz_gpu_memory_bytes", "gradviz_broker_reachable", "gradviz_task_seconds"} <= told
    assert len(named) >= 9


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.skipif(
    not all(map(shutil.which, ("redis-server", "caddy", "openssl"))), reason="redis-server or caddy is not installed"
)
def test_workers_a_broker_and_a_proxy(clone: Path):
    output = run(SECTIONS["Workers, a broker and a proxy"], clone)
    assert '"compute":"ok"' in output
    assert '"variant":"none"' in output
    assert 'gradviz_task_seconds_count{kind="landscape"} 1.0' in output
    [key] = set(re.findall(r'"key": "(\w+)".*"path": "/api/v1/landscape"', (clone / "web.log").read_text()))
    assert re.search(rf'"message": "done".*"key": "{key}".*"kind": "landscape"', (clone / "worker.log").read_text())
    assert (clone / "field.npz").read_bytes().startswith(b"PK")
    password = (clone / "secrets" / "GRADVIZ_PASSWORD").read_text().strip()
    assert password not in output + logs(clone)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")
def test_below_a_path(clone: Path):
    output = run(SECTIONS[BELOW], clone)
    assert "<title>gradviz: gradient landscapes</title>" in output
    assert '"run":"none"' in output


def test_with_containers(clone: Path):
    run(SECTIONS["With containers"], clone)
    assert (clone / "secrets" / "GRADVIZ_BROKER").exists()


def test_no_section_has_commands_that_no_test_runs():
    assert set(SECTIONS) == {"One machine", "Workers, a broker and a proxy", BELOW, "With containers"}
    assert {(kind, word) for kind, word, _ in BLOCKS if kind == "sh"} == {("sh", ""), ("sh", "docker")}
    assert {kind for kind, _, _ in BLOCKS} == {"sh", "ini", "yaml", "mermaid", "nginx"}


def test_commands_that_need_docker_are_of_docker_and_name_what_is_there():
    lines = [line for _, word, text in BLOCKS if word == "docker" for line in text.splitlines()]
    assert lines
    for line in lines:
        program, command, *words = shlex.split(line)
        assert program == "docker"
        if command == "compose":
            profiles = [after for word, after in itertools.pairwise(words) if word == "--profile"]
            assert set(profiles) <= {"gpu", "cpu"}
            if "logs" in words:
                assert set(words[words.index("logs") + 1 :]) - {"--follow"} <= set(SERVICES)
        if command == "run":
            assert words[-1] == "gradviz"
            assert "/home/gradviz/checkpoints" in line


def test_the_service_of_systemd_starts_what_there_is():
    [text] = [text for kind, _, text in BLOCKS if kind == "ini"]
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]  (documented: names keep their case)
    unit.read_string(text)
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "gradviz"
    parser().parse_args(arguments)
    chosen = dict(pair.split("=") for pair in unit["Service"]["Environment"].split())
    Settings.model_validate({name.removeprefix("GRADVIZ_").lower(): value for name, value in chosen.items()})


def test_the_prometheus_configuration_names_our_servers():
    [text] = [text for kind, _, text in BLOCKS if kind == "yaml"]
    [job] = yaml.safe_load(text)["scrape_configs"]
    [targets] = job["static_configs"]
    ours = {name: service for name, service in SERVICES.items() if service["image"] == "gradviz"}
    ports = {name: service["environment"].get("GRADVIZ_WORKER_PORT", "8050") for name, service in ours.items()}
    del ports["worker-cpu"]
    assert dict(target.split(":") for target in targets["targets"]) == ports


def test_settings_and_commands_in_the_text_are_there():
    known = {variable_name(field) for field in Settings.model_fields}
    of_compose = {"GRADVIZ_SITE", "GRADVIZ_BIND", "GRADVIZ_WEB"}
    assert set(re.findall(r"GRADVIZ_[A-Z_]+", GUIDE)) <= known | of_compose
    for command in re.findall(r"`gradviz ((?:serve|worker|train)[^`]*)`", GUIDE):
        parser().parse_args(shlex.split(command))


@pytest.mark.parametrize("name", ["deploy.md", "scaling.md"])
def test_links_lead_somewhere(name: str):
    text = (ROOT / "docs" / name).read_text()
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = unquote(target).partition("#")
        assert not path or (ROOT / "docs" / path).exists(), target
        assert path or anchor in headings, target
