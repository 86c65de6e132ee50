"""Below a path of its host: whether a proxy keeps that path in the address or takes it off, and in whose frames."""

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gradviz.addresses import checked_prefix
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard.factory import create_app
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.serving.front import COMPUTING, HEALTH, PAGE, pool_of
from gradviz.settings import Settings, as_environment, load_settings
from tests.dashboard.conftest import MakeApp

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
FIELD = f"/api/v1/landscape?variant=none&epoch=1&x={X}&y={Y}&points=3"
KEY = "k" * 32


@pytest.fixture
def below(make_app: MakeApp, tiny_runs: Path) -> FlaskClient:
    return make_app(tiny_runs, prefix="tools/gradviz/").server.test_client()


@pytest.mark.parametrize("kept", ["/tools/gradviz", ""])
@pytest.mark.parametrize("path", ["/", "/api/v1/runs", "/healthz", "/readyz", "/_dash-layout", FIELD])
def test_below_a_prefix_everything_answers_whether_a_proxy_keeps_it_or_not(below: FlaskClient, kept: str, path: str):
    assert below.get(kept + path).status_code == 200


def test_without_the_last_slash_it_leads_to_the_page_and_keeps_the_view(below: FlaskClient):
    moved = below.get("/tools/gradviz?epoch=3")
    assert (moved.status_code, moved.headers["Location"]) == (308, "gradviz/?epoch=3")


@pytest.mark.parametrize("path", ["/tools/gradvizz/", "/tools/", "/tools/gradviz2/api/v1/runs"])
def test_a_neighbour_with_a_similar_name_is_none_of_ours(below: FlaskClient, path: str):
    assert b'{"runs"' not in below.get(path).data


def test_no_address_of_the_page_leads_out_of_its_directory(client: FlaskClient):
    page = client.get("/").get_data(as_text=True)
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(addresses) >= 4
    assert not [address for address in addresses if address.startswith("/") or ":" in address]
    config = json.loads(re.search(r'id="_dash-config"[^>]*>(.*?)</script>', page)[1])  # pyright: ignore[reportOptionalSubscript]
    assert config["requests_pathname_prefix"] == "./"
    for address in addresses:
        with client.get(f"/{address}") as answer:
            assert answer.status_code == 200


def test_a_prefix_in_any_script_is_told_as_addresses_are_written(make_app: MakeApp, tiny_runs: Path):
    prefix = "/%C3%A9tudes/%E6%97%A5"
    client = make_app(tiny_runs, prefix=prefix).server.test_client()
    field = client.get(prefix + FIELD)
    assert field.headers["Content-Location"].startswith(f"{prefix}/api/v1/landscape?")
    assert client.get(field.headers["Content-Location"]).data == field.data


def test_a_prefix_with_a_new_line_is_refused():
    with pytest.raises(ValueError, match="a prefix is a path"):
        checked_prefix("/tools%0D%0ASet-Cookie:a")


def test_addresses_in_answers_lie_below_the_prefix(below: FlaskClient):
    field = below.get(f"/tools/gradviz{FIELD}")
    assert field.headers["Content-Location"].startswith("/tools/gradviz/api/v1/landscape?")
    assert below.get(field.headers["Content-Location"]).data == field.data
    [server] = below.get("/tools/gradviz/api/v1/openapi.json").get_json()["servers"]
    assert server["url"] == "../../"  # of /tools/gradviz/api/v1/openapi.json: /tools/gradviz/
    assert "see /tools/gradviz/api/v1/openapi.json" in below.get("/tools/gradviz/api/v1/no").get_json()["error"]


@pytest.mark.parametrize(
    ("path", "pool"),
    [
        ("/t/healthz", HEALTH),
        ("/healthz", HEALTH),
        ("/t/api/v1/landscape", COMPUTING),
        ("/t/api/v1/runs", PAGE),
        ("/t/", PAGE),
    ],
)
def test_the_prefix_does_not_change_which_threads_answer(path: str, pool: str):
    assert pool_of(path, "/t") == pool


def test_assets_below_a_prefix_are_kept_for_ever(below: FlaskClient):
    with below.get("/tools/gradviz/assets/gradviz.css?m=1") as answer:
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ("/tools/gradviz/", "/tools/gradviz"),
        ("tools", "/tools"),
        ("/", ""),
        ("/user/a%40b/proxy/8050/", "/user/a%40b/proxy/8050"),
    ],
)
def test_a_prefix_may_have_slashes_at_its_ends_or_not(given: str, prefix: str):
    settings = Settings(prefix=given)
    assert settings.prefix == prefix
    assert as_environment(settings)["GRADVIZ_PREFIX"] == prefix


@pytest.mark.parametrize(
    "prefix", ["/a//b", "/../x", "/a/./b", "/a b", "/api", "/_dash-x", "http://a/b", "/a?b", "/%zz", "/" + "a" * 600]
)
def test_a_prefix_that_is_none_is_refused_in_one_line(prefix: str):
    with pytest.raises(UserError, match=r"^--prefix: "):
        load_settings(prefix=prefix)


def test_a_percent_sign_in_the_prefix_is_one_character_of_the_path(make_app: MakeApp, tiny_runs: Path):
    client = make_app(tiny_runs, prefix="/user/a%40b/proxy").server.test_client()
    assert client.get("/user/a%40b/proxy/api/v1/runs").get_json()["runs"]


def ancestors(client: FlaskClient) -> str:
    [found] = re.findall(r"frame-ancestors ([^;]+)", client.get("/").headers["Content-Security-Policy"])
    return found


def test_no_page_may_show_it_in_a_frame_unless_the_settings_name_it(make_app: MakeApp, tiny_runs: Path):
    assert ancestors(make_app(tiny_runs).server.test_client()) == "'none'"
    named = make_app(tiny_runs, frame_ancestors="https://Wiki.example.org/, self").server.test_client()
    assert ancestors(named) == "https://wiki.example.org 'self'"


FRAMED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


def test_a_frame_of_a_foreign_page_opens_the_page_and_nothing_else(make_app: MakeApp, tiny_runs: Path, trainer):
    closed = make_app(tiny_runs).server.test_client()
    assert closed.get("/", headers=FRAMED).status_code == 403
    opened = make_app(tiny_runs, frame_ancestors="https://wiki.example.org").server.test_client()
    assert opened.get("/?epoch=1", headers=FRAMED).status_code == 200
    assert opened.get(FIELD, headers=FRAMED).status_code == 403
    assert opened.post("/", headers=FRAMED).status_code == 403
    command = {"json": {"action": "start"}}
    for headers in (
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Origin": "https://wiki.example.org"},
    ):
        assert opened.post("/api/v1/training", headers=headers, **command).status_code == 403
    assert trainer.told == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("'self'", "'self'"),
        ("https://*.Example.org:8443", "https://*.example.org:8443"),
        ("http://localhost:*", "http://localhost:*"),
        ("vscode-webview:", "vscode-webview:"),
    ],
)
def test_an_ancestor_is_told_as_the_policy_has_it(given: str, told: str):
    assert Settings.model_validate({"frame_ancestors": given}).frame_ancestors == (told,)


@pytest.mark.parametrize(
    "entry",
    [
        *("*", "https:", "https://*", "data:", "'none'", "example.org", "javascript:alert(1)", "https://u@a.example"),
        *("https://a.example/path", "https://a.example; script-src *", "https://[::1]"),
        *("https://a.example:0", "https://a.example:99999"),
    ],
)
def test_what_is_no_origin_is_refused(entry: str):
    with pytest.raises(UserError, match=r"^--frame-ancestors: .* is not an origin"):
        load_settings(frame_ancestors=(entry,))


def test_a_server_with_a_key_answers_below_it_alone(tiny_runs: Path, tmp_path: Path, trainer):
    store = RunStore(tiny_runs)
    with FieldCache(tmp_path / "cache") as cache:
        compute = LocalCompute(store, cache, device="cpu")
        client = create_app(Settings(runs=tiny_runs), compute, store, trainer, key=KEY).server.test_client()
        for path in ("/", "/api/v1/runs", "/healthz", f"/{KEY[:-1]}/", f"/{KEY}x/", f"/x/{KEY}/"):
            assert client.get(path).status_code == 403
        assert client.get(f"/{KEY}/", headers=FRAMED).status_code == 200
        assert client.get(f"/{KEY}/api/v1/runs", headers={"Host": "hub.example.org"}).status_code == 200
        assert "frame-ancestors" not in client.get(f"/{KEY}/").headers["Content-Security-Policy"]
