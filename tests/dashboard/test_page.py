"""The page as it is served: headers, scripts, and that Python and JavaScript mean the same things."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gradviz.dashboard import assets, factory, ids, permalink
from gradviz.dashboard.assets import assets_folder
from gradviz.dashboard.callbacks.opening import opened
from gradviz.dashboard.layout import page
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.viewfields import CONTROLS, FIELDS
from gradviz.experiment.store import RunStore

SCRIPTS = {path.relative_to(assets_folder()).as_posix(): path.read_text() for path in assets_folder().rglob("*.js")}


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


def addresses(client: FlaskClient) -> list[str]:
    page = client.get("/").get_data(as_text=True)
    return [f"/{each}" for each in re.findall(r'<(?:script src|link rel="stylesheet" href)="([^"]+)"', page)]


def test_the_page_is_one_style_and_two_scripts_which_are_sent_compressed_and_kept_for_ever(client: FlaskClient) -> None:
    kept = addresses(client)
    assert [re.sub(r"\.[0-9a-f]{16}\.", ".", address) for address in kept] == [
        "/bundles/page.css",
        "/bundles/dash_renderer.js",
        "/bundles/page.js",
    ]
    renderer = client.get(kept[1]).get_data(as_text=True)
    plotly = re.findall(r'"(bundles/plotly\.[0-9a-f]{16}\.min\.js)"', renderer)  # where the first graph finds it
    assert len(plotly) == 1
    for address in [*kept, f"/{plotly[0]}"]:
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Encoding"] == "gzip"
        plain = client.get(address, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(answer.data) == plain.data
        assert answer.mimetype == plain.mimetype == ("text/css" if address.endswith(".css") else "text/javascript")


def test_the_bundles_are_the_assets_in_their_order(client: FlaskClient) -> None:
    style, renderer, page = (client.get(address).get_data(as_text=True) for address in addresses(client))
    assert re.findall(r"^\$\$\.\w+ = .* // ([\w/.]+)$", page, re.M)[-1] == "assets/main.js"
    styles = [path.read_text() for path in sorted(assets_folder().glob("*.css"))]
    assert [style.index(text) for text in styles] == sorted(style.index(text) for text in styles)
    assert "\n//# sourceMappingURL" not in renderer + page  # of other files
    # The renderer is the last but for the part that Dash loads with a graph.
    assert renderer.index("react.production") < renderer.index("DashRenderer=") < renderer.index(".push([[")


def test_a_changed_asset_has_another_address_after_a_restart(
    make_app, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(assets_folder(), tmp_path / "assets")
    for module in (assets, factory):
        monkeypatch.setattr(module, "assets_folder", lambda: folder)
    before = addresses(make_app(tiny_runs).server.test_client())
    with (folder / "views" / "help.js").open("a") as changed:
        changed.write("window.changed = 1;\n")
    client = make_app(tiny_runs).server.test_client()
    after = addresses(client)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]
    assert b"window.changed = 1;" in client.get(after[-1]).data


def test_another_process_of_the_server_sends_the_same_bundles(make_app, tiny_runs: Path) -> None:
    address = addresses(make_app(tiny_runs).server.test_client())[-1]
    other = make_app(tiny_runs).server.test_client()
    assert other.get(address).status_code == 200
    assert other.get(address.replace("page.", "page.0")).status_code == 404


def test_two_apps_of_one_process_share_nothing(make_app, tiny_runs: Path, tmp_path: Path) -> None:
    full, empty = make_app(tiny_runs), make_app(tmp_path / "none-yet")
    assert full.server.test_client().get("/api/v1/runs").get_json()["runs"]
    assert empty.server.test_client().get("/api/v1/runs").get_json()["runs"] == {}
    assert len(full.callback_map) == len(empty.callback_map) > 0


def test_the_table_of_fields_is_the_view() -> None:
    assert FIELDS.keys() == permalink.View.model_fields.keys()
    keys = [field.key for field in FIELDS.values()]
    assert len(set(keys)) == len(keys)


def test_the_page_is_told_the_fields_with_their_defaults() -> None:
    (told,) = [vars(one)["data"]["fields"] for one in page()._traverse() if getattr(one, "id", None) == ids.CONSTANTS]
    assert json.loads(json.dumps(told)) == told
    defaults = {field["name"]: field["default"] for field in told}
    assert permalink.View.model_validate(defaults) == permalink.View()
    assert {field["control"] for field in told} - {None} == set(CONTROLS)


def test_every_function_that_dash_calls_is_there(make_app, tiny_runs: Path) -> None:
    app = make_app(tiny_runs)
    called = {
        callback["clientside_function"]["function_name"]
        for callback in app._callback_list
        if callback["clientside_function"]
    }
    (there,) = re.findall(r"dash_clientside\.gradviz = \{(.*?)\}", SCRIPTS["main.js"])
    assert called == set(re.split(r",\s*", there.strip()))


def test_ids_are_unique_and_on_the_page() -> None:
    on_page = [getattr(component, "id", None) for component in page()._traverse()]
    on_page = [name for name in on_page if name]
    assert len(on_page) == len(set(on_page))
    assert {ids.SCRUBBER, ids.LOSS, *ids.GRAPHS, *CONTROLS} <= set(on_page)


def test_ids_in_javascript_are_on_the_page() -> None:
    scripts = [text for name, text in SCRIPTS.items() if not name.startswith("standalone/")]
    named = {found for text in scripts for found in re.findall(r'getElementById\("([\w-]+)"\)', text)}
    assert len(named) > 10
    on_page = {getattr(component, "id", None) for component in page()._traverse()}
    assert named - {"_dash-config"} <= on_page  # that one is Dash's own


def test_an_address_opens_the_view_that_it_says(tiny_store: RunStore) -> None:
    answer: Any = opened("?variant=dropout&epoch=1&mode=train&nonsense=1", runs_of(tiny_store), lambda _, pair: pair)
    assert answer["view"]["run"] == "dropout"
    assert answer["view"]["epoch"] == 1
    assert answer["view"]["x_b"] == "hidden.2.linear.bias[0]"
    assert ["nonsense" in notice for notice in answer["notices"]] == [True]
