"""compose.yaml, read: by the published schema it is a compose file, and what it names is there."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gradviz.parser import parser
from gradviz.settings import Settings, variable_name
from tests.deploy.conftest import COMPOSE, ROOT, SERVICES, interpolated, make_secrets

BIN = Path(sys.executable).parent
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "gradviz"}


def test_it_is_a_compose_file_by_the_published_schema():
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_what_is_none(tmp_path: Path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((ROOT / "compose.yaml").read_text().replace("stop_grace_period:", "stop_period:"))
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", wrong]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "stop_period" in done.stdout


def test_there_are_two_web_servers_a_broker_a_proxy_and_a_worker_for_either_kind_of_machine():
    kinds = {name: service["command"][1] for name, service in OURS.items()}
    assert kinds == {"web-1": "serve", "web-2": "serve", "worker": "worker", "worker-cpu": "worker"}
    assert (SERVICES["worker"]["profiles"], SERVICES["worker-cpu"]["profiles"]) == (["gpu"], ["cpu"])
    [gpu] = SERVICES["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert gpu == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert {service["image"] for service in SERVICES.values()} == {"gradviz", "caddy:2", "redis:7.4"}


@pytest.mark.parametrize("name", OURS)
def test_command_and_settings_are_understood(name: str):
    service = OURS[name]
    program, *arguments = service["command"]
    assert program == "gradviz"
    parser().parse_args(arguments)
    values = {key: interpolated(value) for key, value in service["environment"].items()}
    assert set(values) <= {variable_name(field) for field in Settings.model_fields}
    Settings.model_validate({key.removeprefix("GRADVIZ_").lower(): value for key, value in values.items()})


@pytest.mark.parametrize(("given", "site"), [({}, "localhost"), ({"GRADVIZ_SITE": "a.example"}, "a.example")])
def test_the_web_servers_answer_to_the_names_that_visitors_and_prometheus_use(given: dict[str, str], site: str):
    assert interpolated(SERVICES["proxy"]["environment"]["GRADVIZ_SITE"], given) == site
    for name in ("web-1", "web-2"):
        named = interpolated(SERVICES[name]["environment"]["GRADVIZ_ALLOWED_HOSTS"], given)
        assert Settings.model_validate({"allowed_hosts": named}).allowed_hosts == (site, "web-1", "web-2")


def test_all_secrets_are_made_by_the_script(tmp_path: Path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    make_secrets(tmp_path / "secrets")
    files = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert files == {path.name for path in (tmp_path / "secrets").iterdir()}
    assert {Path(secret["file"]).parent for secret in COMPOSE["secrets"].values()} == {Path("secrets")}
    named = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert named == COMPOSE["secrets"].keys()


def test_who_needs_no_secret_has_none():
    assert not SERVICES["proxy"].get("secrets")
    assert all("redis.key" not in service["secrets"] for service in OURS.values())
    assert all("GRADVIZ_PASSWORD" not in service["secrets"] for name, service in OURS.items() if "worker" in name)


@pytest.mark.parametrize("name", SERVICES)
def test_files_and_volumes_that_a_service_mounts_are_there(name: str):
    for mount in SERVICES[name]["volumes"]:
        source = mount.split(":")[0]
        assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str):
    service: dict[str, Any] = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    if name == "proxy":
        assert all(port.startswith("${GRADVIZ_BIND:-127.0.0.1}:") for port in service["ports"])
    else:
        assert "ports" not in service
        assert service["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_web_servers_and_workers_see_the_same_runs():
    mounts = {mount for service in OURS.values() for mount in service["volumes"] if mount.startswith("runs:")}
    assert mounts == {"runs:/home/gradviz/checkpoints"}


def test_a_worker_is_given_the_time_to_finish_its_task():
    for name in ("worker", "worker-cpu"):
        assert float(SERVICES[name]["stop_grace_period"].rstrip("s")) > Settings().task_seconds
