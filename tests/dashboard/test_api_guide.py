"""Every command of docs/api.md, sent to the server in this process."""

import argparse
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from gradviz.dashboard.openapi import document

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
COMMANDS = re.findall(r"^curl .+$", GUIDE, re.MULTILINE)


def read(command: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-o")
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d")
    parser.add_argument("url")
    return parser.parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guide_s_command_is_answered(client: FlaskClient, command: str) -> None:
    told = read(command)
    url = urlsplit(told.url)
    headers = [tuple(header.split(": ")) for header in told.H]
    answer = client.open(
        url.path, query_string=url.query, method="POST" if told.d else "GET", headers=headers, data=told.d
    )
    assert answer.status_code == 200, answer.data
    assert answer.data


def test_the_guide_shows_every_kind_of_request() -> None:
    shown = [urlsplit(read(command).url).path for command in COMMANDS]
    # The key of a result is known once it is computed: tests/dashboard/test_paths_api.py asks for one.
    others = ("openapi.json", "/paths/results/{key}")
    patterns = [re.sub(r"\{\w+\}", "[^/]+", path) for path in document()["paths"] if not path.endswith(others)]
    assert not [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in shown)]


def test_the_guide_tells_every_mistake() -> None:
    codes = {
        code for methods in document()["paths"].values() for each in methods.values() for code in each["responses"]
    }
    told = set(re.findall(r"\b[45]\d\d\b", GUIDE.split("**Errors**")[1]))
    assert {code for code in codes if code.startswith("4")} == told
