"""What comes in: requests to a name of ours, by no other site's page, and small; all else is refused in one line."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gradviz.dashboard.callback_requests import CALLBACKS
from gradviz.dashboard.query import MAX_BODY_BYTES
from gradviz.errors import UserError
from gradviz.hosts import AllowedHosts, name_of
from gradviz.settings import Settings, as_environment, load_settings

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
FIELD = f"/api/v1/landscape?variant=none&epoch=1&x={X}&y={Y}&points=3"
LOOPBACK = ["localhost", "LOCALHOST:8050", "localhost.", "a.localhost:1", "127.0.0.1", "127.9.9.9:8050", "[::1]:8050"]
FOREIGN = ["evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost"]
MALFORMED = [
    "a..b",
    ".",
    ".a",
    "",
    "user@localhost",
    "localhost/",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "localhost:8050:8050",
    "local host",
    "localhost,evil.example",
    "[::1",
    "::1",
    "[::g]",
    "[]",
    "x" * 5000,
    "ü.example",
    "a\x00b",
    "*",
]


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


@pytest.fixture
def trainer(shared_trainer):
    shared_trainer.told.clear()
    return shared_trainer


def asked(client: FlaskClient, path: str = "/api/v1/runs", method: str = "GET", **headers: str) -> int:
    answer = client.open(path, method=method, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert answer.status_code < 500
    if answer.status_code in (400, 403, 413, 422):
        told = json.loads(answer.data)["error"]
        assert told.isprintable()
        assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_name_of_this_machine_is_answered(client: FlaskClient, host: str) -> None:
    assert asked(client, Host=host) == 200


@pytest.mark.parametrize("host", [*FOREIGN, "192.0.2.1", "[2001:db8::1]", "0x7f.1", "2130706433"])
@pytest.mark.parametrize("path", ["/", "/api/v1/runs", "/_dash-layout", "/metrics", "/assets/styles.css"])
def test_a_name_that_is_not_ours_is_refused(client: FlaskClient, host: str, path: str) -> None:
    assert asked(client, path, Host=host) == 403


@pytest.mark.parametrize("host", MALFORMED)
@pytest.mark.parametrize("path", ["/api/v1/runs", "/healthz"])
def test_a_host_that_is_none_is_refused_before_anything_else(client: FlaskClient, host: str, path: str) -> None:
    status = 200 if (host, path) == ("", "/healthz") else 400  # a probe of HTTP/1.0 has no Host
    answer = client.get(path, environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})
    assert answer.status_code == status


def test_probes_and_health_checks_know_no_name(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert [asked(client, path, Host=host) for host in ("web-1:8050", "10.0.0.7:8050", "evil.example")] == [200] * 3


def test_what_was_refused_is_not_under_way_for_ever(make_app, tiny_runs: Path) -> None:
    client = make_app(tiny_runs, metrics=True).server.test_client()
    for host in ("a..b", "evil.example", "x" * 5000):
        client.get("/", headers={"Host": host}, buffered=True)
    client.get("/assets/icon.svg", buffered=True)
    client.get("/_favicon.ico", buffered=True)
    assert "gradviz_requests_under_way 1.0" in client.get("/metrics").get_data(as_text=True)


@pytest.mark.parametrize(
    ("listening", "further", "host", "allowed"),
    [
        ("0.0.0.0", (), "192.0.2.1", True),
        ("::", (), "[2001:db8::1]", True),
        ("0.0.0.0", (), "workstation", False),
        ("192.0.2.1", (), "192.0.2.1:8050", True),
        ("workstation", (), "Workstation:8050", True),
        ("127.0.0.1", (), "192.0.2.1", False),
        ("::1", (), "192.0.2.1", False),
        ("localhost", (), "192.0.2.1", False),
        ("127.0.0.1", ("gradviz.example.org",), "GRADVIZ.example.org.", True),
        ("127.0.0.1", ("gradviz.example.org",), "a.gradviz.example.org", False),
        ("127.0.0.1", ("*.example.org",), "gradviz.example.org:443", True),
        ("127.0.0.1", ("*.example.org",), "example.org", False),
        ("127.0.0.1", ("*.example.org",), "evilexample.org", False),
        ("127.0.0.1", ("192.0.2.1", "2001:db8::1"), "[2001:DB8:0::1]:80", True),
        ("127.0.0.1", ("*",), "anything.example", True),
        ("127.0.0.1", ("*",), "[::ffff:127.0.0.1]", True),
    ],
)
def test_which_names_are_allowed(listening: str, further: tuple[str, ...], host: str, allowed: bool) -> None:
    name = name_of(host)
    assert name is not None
    assert AllowedHosts.of(listening, further).allow(name) is allowed


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("gradviz.example.org", ("gradviz.example.org",)),
        (" A.example , b.example:8443 c.example,", ("a.example", "b.example", "c.example")),
        ("https://gradviz.example.org/,http://localhost:8080", ("gradviz.example.org", "localhost")),  # a Caddy site
        ("[2001:db8::1]:443,192.0.2.1", ("2001:db8::1", "192.0.2.1")),
        ("*.example.org,*", ("*.example.org", "*")),
        ("bücher.example", ("xn--bcher-kva.example",)),
    ],
)
def test_hosts_are_set_as_they_are_written(monkeypatch: pytest.MonkeyPatch, text: str, hosts: tuple[str, ...]) -> None:
    monkeypatch.setenv("GRADVIZ_ALLOWED_HOSTS", text)
    chosen = load_settings()
    assert chosen.allowed_hosts == hosts
    monkeypatch.setenv("GRADVIZ_ALLOWED_HOSTS", as_environment(chosen)["GRADVIZ_ALLOWED_HOSTS"])
    assert load_settings().allowed_hosts == hosts


@pytest.mark.parametrize(
    "text", ["a..b", "a_b c..d", "example.org/path", "ftp://x", "*.", "a*.example", "user@host", "ü..b"]
)
def test_a_host_that_cannot_be_one_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("GRADVIZ_ALLOWED_HOSTS", text)
    with pytest.raises(UserError, match=r"^GRADVIZ_ALLOWED_HOSTS: .*is not a host"):
        load_settings()


# What browsers send: https://www.w3.org/TR/fetch-metadata/
IMAGE = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}
LINK = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
BY_OTHERS = {
    "image": IMAGE,
    "script": IMAGE | {"Sec_Fetch_Dest": "script"},
    "fetch": {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors", "Origin": "https://evil.example"},
    "another port of this machine": IMAGE | {"Sec_Fetch_Site": "same-site"},
    "frame": LINK | {"Sec_Fetch_Dest": "iframe"},
    "prefetch": LINK | {"Sec_Purpose": "prefetch"},
    "a site that there is not yet": IMAGE | {"Sec_Fetch_Site": "next-door"},
    "old browser": {"Origin": "https://evil.example"},
    "sandbox": {"Origin": "null"},
    "another port, old browser": {"Origin": "http://localhost:3000"},
    "broken origin": {"Origin": "http://[::1"},
    "empty origin": {"Origin": ""},
}
COMPUTES = [FIELD, FIELD.replace("landscape", "frames"), "/api/v1/agreement?variant=none&epoch=1", "/_dash-layout", "/"]


@pytest.mark.parametrize("headers", BY_OTHERS.values(), ids=BY_OTHERS.keys())
@pytest.mark.parametrize("path", COMPUTES)
def test_another_site_s_page_computes_nothing(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    assert asked(client, path, **headers) == 403


@pytest.mark.parametrize("headers", [LINK, *BY_OTHERS.values()], ids=["link", *BY_OTHERS])
@pytest.mark.parametrize("path", ["/api/v1/training", "/api/v1/landscape", "/api/v1/exports", CALLBACKS])
def test_another_site_s_page_changes_nothing(client: FlaskClient, trainer, path: str, headers: dict[str, str]) -> None:
    body = {"action": "stop"}
    answer = client.post(path, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert answer.status_code == 403
    assert trainer.told == []


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a program
        {"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"},  # typed, a bookmark
        {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"},  # our page
        {
            "Sec_Fetch_Site": "same-origin",
            "Origin": "https://gradviz.example.org",
        },  # a proxy changes Host
        LINK,
        {"Origin": "http://localhost"},
        {"Origin": "http://LOCALHOST:80"},
    ],
)
def test_who_comes_by_choice_is_answered(client: FlaskClient, headers: dict[str, str]) -> None:
    assert [asked(client, path, **headers) for path in COMPUTES] == [200] * len(COMPUTES)


def test_a_name_said_by_the_operator_is_an_origin_behind_a_proxy_that_changes_the_host(make_app, tiny_runs) -> None:
    client = make_app(tiny_runs, allowed_hosts=("gradviz.example.org",)).server.test_client()
    assert asked(client, Origin="https://gradviz.example.org") == 200
    assert asked(client, Origin="https://evil.example.org") == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize("path", ["/api/v1/training", "/api/v1/landscape", CALLBACKS])
def test_a_form_of_another_site_is_no_json(client: FlaskClient, trainer, path: str, kind: str) -> None:
    assert client.post(path, data='{"action": "stop"}', content_type=kind).status_code == 415
    assert trainer.told == []


class Unread:
    """A body that nobody may read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", ["/api/v1/training", CALLBACKS, "/", "/assets/x", "/healthz"])
@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "1500000000", "9" * 4000])
def test_a_large_body_is_refused_unread(client: FlaskClient, path: str, length: str) -> None:
    overrides = {"CONTENT_LENGTH": length, "wsgi.input": Unread()}
    answer = client.post(path, content_type="application/json", environ_overrides=overrides)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "+5", "0x10", "٣", "1,2"])
def test_a_length_that_is_no_number_is_refused(client: FlaskClient, length: str) -> None:
    assert client.post("/api/v1/training", environ_overrides={"CONTENT_LENGTH": length}).status_code == 400


@pytest.mark.parametrize("query", [b"variant=\xff", b"\xed\xa0\x80", b"epoch=1&\xe2\x80=2"])
@pytest.mark.parametrize("path", ["/", "/api/v1/landscape", "/api/v1/runs"])
def test_a_query_that_is_not_utf_8_is_refused(client: FlaskClient, path: str, query: bytes) -> None:
    answer = client.get(path, environ_overrides={"QUERY_STRING": query.decode("latin-1")})
    assert answer.status_code == 400
    marked = "variant=none\u200e".encode().decode("latin-1")  # that is
    assert client.get(FIELD.partition("?")[0], environ_overrides={"QUERY_STRING": marked}).status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/training", CALLBACKS])
def test_a_body_without_a_length_is_read_up_to_the_limit(client: FlaskClient, path: str) -> None:
    class Endless:
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= 2 * MAX_BODY_BYTES, "all of it was asked for"
            self.given += size
            assert self.given <= 2 * MAX_BODY_BYTES
            return b"[" * size

        def readinto(self, buffer: bytearray) -> int:
            self.given += len(buffer)
            assert self.given <= 4 * MAX_BODY_BYTES
            buffer[:] = b"[" * len(buffer)
            return len(buffer)

    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    overrides = chunked | {"wsgi.input": Endless()}
    answer = client.post(path, content_type="application/json", environ_overrides=overrides)
    assert answer.status_code == 413


def test_with_a_password_no_cache_between_may_keep_an_answer(make_app, tiny_runs: Path) -> None:
    def kept(client: FlaskClient, **sent: str) -> list[str]:
        location = client.get(FIELD, headers=sent).headers["Content-Location"]
        paths = [location, "/", "/api/v1/runs", "/assets/styles.css?m=1", "/_dash-layout", "/readyz"]
        return [client.get(path, headers=sent).headers["Cache-Control"] for path in paths]

    signed = {"Authorization": "Basic OnBhc3N3b3Jk"}  # of `password`
    for found in (
        kept(make_app(tiny_runs, password="password").server.test_client(), **signed),
        kept(make_app(tiny_runs).server.test_client(), **signed),  # a proxy has asked for it
    ):
        assert not [text for text in found if "public" in text]
        assert [text for text in found if "private" in text or "no-store" in text] == found
        assert "immutable" in found[0]
    assert "public" in kept_openly(make_app(tiny_runs).server.test_client())


def test_a_proxy_is_told_to_hold_no_stream_back(client: FlaskClient) -> None:
    export = {
        "kind": "html",
        "progress": True,
        "panels": [{"run": "none", "epoch": 1, "x": X, "y": Y, "points": 3}],
    }
    for answer in (client.get(FIELD.replace("landscape", "frames")), client.post("/api/v1/exports", json=export)):
        assert answer.status_code == 200
        assert answer.headers["X-Accel-Buffering"] == "no"
        answer.close()
    assert "X-Accel-Buffering" not in client.get("/api/v1/runs").headers


def kept_openly(client: FlaskClient) -> str:
    return client.get(client.get(FIELD).headers["Content-Location"]).headers["Cache-Control"]


def test_settings_take_hosts_as_values() -> None:
    assert Settings(allowed_hosts=("a.example",)).allowed_hosts == ("a.example",)
