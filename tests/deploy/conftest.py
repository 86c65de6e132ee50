"""What is deployed: the image's environment without an image engine, a broker with the shipped configuration."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@dataclass(frozen=True)
class Image:
    """What the Dockerfile makes, in directories of a test: its environment, and the variables of its last stage."""

    bin: Path
    environment: Mapping[str, str]


def dockerfile_stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage of the Dockerfile, as (name, the rest)."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, rest = line.split(maxsplit=1)
            if name == "FROM":
                stages.append([])
            if stages:
                stages[-1].append((name, rest.strip()))
    return stages


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The Dockerfile's first stage, executed: what it copies, its commands in that order, in an environment of its own.

    What gradviz requires is linked there: pip finds it installed instead of copying some 700 MB, and nothing else.
    """
    root = tmp_path_factory.mktemp("image")
    source, target = root / "src", root / "opt"
    source.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GRADVIZ_", "VIRTUAL_"))}
    environment["PATH"] = f"{target / 'bin'}:{environment['PATH']}"
    for name, rest in dockerfile_stages()[0]:
        if name == "COPY":
            *names, _ = rest.split()
            for each in names:
                if (ROOT / each).is_dir():
                    shutil.copytree(ROOT / each, source / each, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / each, source)
        if name == "RUN":
            command = re.sub(r"^python ", f"{sys.executable} ", rest).replace("/opt/gradviz", str(target))
            done = subprocess.run(
                command, shell=True, cwd=source, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            if not list(target.glob("lib/python3*/site-packages/torch")):
                link_requirements(target)
    shutil.rmtree(source)  # the last stage has the environment alone
    variables = dict(
        pair.split("=", 1) for name, rest in dockerfile_stages()[-1] if name == "ENV" for pair in rest.split()
    )
    home = root / "home"
    (home / "checkpoints").mkdir(parents=True)
    (home / "cache").mkdir()
    chosen = {name: value.replace("/home/gradviz", str(home)) for name, value in variables.items()}
    return Image(target / "bin", environment | chosen | {"PATH": environment["PATH"]})


def link_requirements(environment: Path) -> None:
    """Links what gradviz requires, and what that requires, from the tests' environment into another one.

    Only what is pinned, in the version that is: else pip would replace it there, and through the links here.
    """
    [packages] = environment.glob("lib/python3*/site-packages")
    pinned = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    pins = {canonicalize_name(name): version for name, version in pinned}
    for each in required():
        if each.name == "setuptools":  # a new environment may have one of its own
            continue
        assert each.version.partition("+")[0] == pins[canonicalize_name(each.name)], "make .venv/.installed-dev"
        for top in {file.parts[0] for file in each.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():  # a name that several of them share
                (packages / top).symlink_to(str(each.locate_file(top)))


def required() -> list[Distribution]:
    """The closure of the requirements in pyproject.toml; those of development are none."""
    seen: dict[str, Distribution] = {}
    ahead = [(line, "") for line in distribution("gradviz-dashboard").requires or ()]
    while ahead:
        line, extra = ahead.pop()
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            if (name := f"{requirement.name}[{wanted}]") not in seen:
                seen[name] = distribution(requirement.name)
                ahead += [(further, wanted) for further in seen[name].requires or ()]
    return list(seen.values())


def interpolated(value: str, given: Mapping[str, str] | None = None) -> str:
    """As compose reads it where the variables `given` are set: `${NAME:-default}`, and no default within another."""
    read = re.sub(r"\$\{(\w+):-([^${}]*)\}", lambda found: (given or {}).get(found[1]) or found[2], value)
    assert "$" not in read, f"{value}: only ${{NAME:-default}} is read here"
    return read


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Process:
    """A program whose lines are read as they come; ended with SIGTERM."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.lines: list[str] = []
        self._came = threading.Condition()
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, text: str) -> None:
        """Until a line has `text`; fails if the program ends before."""
        with self._came:
            self._came.wait_for(lambda: self._has(text) or not self._reader.is_alive() or self.popen.poll() is not None)
            assert self._has(text), "".join(self.lines)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        status = self.popen.wait(120)
        self._reader.join(60)
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        return status

    def _has(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            with self._came:
                self.lines.append(line)
                self._came.notify_all()
        self.popen.wait()
        with self._came:
            self._came.notify_all()


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[Process]:
    process = Process(command, **options)
    try:
        yield process
    finally:
        process.end()


@dataclass(frozen=True)
class Broker:
    """A redis-server with deploy/redis.conf; `secrets` as deploy/secrets made them."""

    secrets: Path
    port: int
    directory: Path

    @property
    def command(self) -> list[str]:
        """That of compose.yaml, with this machine's paths."""
        name, *_ = SERVICES["redis"]["command"]
        tls = ("cert-file", "redis.crt"), ("key-file", "redis.key"), ("ca-cert-file", "ca.crt")
        own = [part for option, file in tls for part in (f"--tls-{option}", str(self.secrets / file))]
        own += ["--aclfile", str(self.secrets / "users.acl"), "--tls-port", str(self.port), "--bind", "127.0.0.1"]
        return [name, str(ROOT / "deploy" / "redis.conf"), *own]

    @contextmanager
    def running(self) -> Iterator[Process]:
        with running(self.command, cwd=self.directory) as process:
            process.wait_for("Ready to accept connections")
            yield process


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Its files; each test runs it itself."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: apt-get install redis-server")
    directory = tmp_path_factory.mktemp("broker")
    port = free_port()
    secrets = directory / "secrets"
    make_secrets(secrets, f"localhost:{port}", secrets / "ca.crt")
    return Broker(secrets, port, directory)


def make_secrets(*arguments: object) -> None:
    command = [str(ROOT / "deploy" / "secrets"), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
