"""The page as it is served: headers, scripts, and that Python and JavaScript mean the same things."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gradviz.dashboard import ids, permalink
from gradviz.dashboard.assets import assets_folder
from gradviz.dashboard.callbacks.opening import CONTROLS, opened
from gradviz.dashboard.layout import page
from gradviz.dashboard.overview import runs_of
from gradviz.experiment.store import RunStore

SCRIPTS = {path.name: path.read_text() for path in sorted(assets_folder().glob("*.js"))}


def test_scripts_are_allowed_by_address_and_hash_alone(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    (scripts,) = [part for part in policy.split("; ") if part.startswith("script-src")]
    assert "unsafe" not in scripts
    assert re.fullmatch(r"script-src 'self'( 'sha256-[^']+')+", scripts)


def test_the_page_names_no_other_address(client: FlaskClient) -> None:
    html = client.get("/").get_data(as_text=True)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
    for name, text in SCRIPTS.items():
        # the name of SVG's elements is an address that nobody loads
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg\b)", text) == [], name


def script_addresses(client: FlaskClient) -> list[str]:
    return re.findall(r'<script src="([^"]+)"', client.get("/").get_data(as_text=True))


def test_scripts_are_sent_compressed_and_kept_for_a_year(client: FlaskClient) -> None:
    addresses = script_addresses(client)
    assert any("dash_mantine_components" in address for address in addresses)
    for address in addresses:
        answer = client.get(address, headers={"Accept-Encoding": "gzip"}, buffered=True)
        assert answer.cache_control.max_age == 31536000, address
        if len(answer.data) > 2000:
            assert answer.headers["Content-Encoding"] == "gzip", address
        plain = client.get(address, buffered=True)
        content = gzip.decompress(answer.data) if "Content-Encoding" in answer.headers else answer.data
        assert content == plain.data


def test_who_cannot_read_gzip_gets_plain_text(client: FlaskClient) -> None:
    answer = client.get(script_addresses(client)[0], headers={"Accept-Encoding": "identity"}, buffered=True)
    assert "Content-Encoding" not in answer.headers


def test_two_apps_of_one_process_share_nothing(make_app, tiny_runs: Path, tmp_path: Path) -> None:
    full, empty = make_app(tiny_runs), make_app(tmp_path / "none-yet")
    assert full.server.test_client().get("/api/v1/runs").get_json()["runs"]
    assert empty.server.test_client().get("/api/v1/runs").get_json()["runs"] == {}
    assert len(full.callback_map) == len(empty.callback_map) > 0


def test_the_choices_are_in_the_same_order_in_python_and_javascript() -> None:
    (fields,) = re.findall(r"const FIELDS = \[(.*?)\];", SCRIPTS["callbacks.js"], re.S)
    assert re.findall(r'"(\w+)"', fields) == list(CONTROLS)
    assert set(CONTROLS) | {"epoch", "minibatch", "x_a", "y_a", "x_b", "y_b"} == set(permalink.View.model_fields)


def test_every_function_that_dash_calls_is_there(make_app, tiny_runs: Path) -> None:
    app = make_app(tiny_runs)
    called = {
        callback["clientside_function"]["function_name"]
        for callback in app._callback_list
        if callback["clientside_function"]
    }
    (there,) = re.findall(r"dash_clientside\.gradviz = \{(.*?)\}", SCRIPTS["callbacks.js"])
    assert called == set(re.split(r",\s*", there.strip()))


def test_ids_are_unique_and_on_the_page() -> None:
    on_page = [getattr(component, "id", None) for component in page()._traverse()]
    on_page = [name for name in on_page if name]
    assert len(on_page) == len(set(on_page))
    assert {ids.SCRUBBER, ids.LOSS, *ids.GRAPHS, *CONTROLS.values()} <= set(on_page)


@pytest.mark.parametrize("name", SCRIPTS)
def test_ids_in_javascript_are_on_the_page(name: str) -> None:
    named = set(re.findall(r'getElementById\("([\w-]+)"\)', SCRIPTS[name]))
    on_page = {getattr(component, "id", None) for component in page()._traverse()}
    assert named <= on_page


def test_an_address_opens_the_view_that_it_says(tiny_store: RunStore) -> None:
    answer: Any = opened("?variant=dropout&epoch=1&mode=train&nonsense=1", runs_of(tiny_store))
    assert answer["view"]["variant"] == "dropout"
    assert answer["view"]["epoch"] == 1
    assert answer["view"]["x_b"] == "hidden.2.linear.bias[0]"
    assert ["nonsense" in notice for notice in answer["notices"]] == [True]
