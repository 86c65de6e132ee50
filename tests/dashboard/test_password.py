"""The password of the whole page: nothing is answered without it, guesses are few, and it is written nowhere."""

import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from gradviz.dashboard import password
from gradviz.dashboard.password import GUESSES, SECONDS_PER_GUESS, Guesses, ask_for_password

PASSWORD = "correct horse battery é"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guarded(clock: Clock) -> FlaskClient:
    server = Flask(__name__)
    ask_for_password(server, SecretStr(PASSWORD), clock=clock)
    server.add_url_rule("/", view_func=lambda: "inside")
    return server.test_client()


def ask(client: FlaskClient, given: str, address: str = "192.0.2.1") -> int:
    return client.get("/", auth=("anyone", given), environ_base={"REMOTE_ADDR": address}).status_code


def test_every_address_of_the_server_asks_for_it_but_the_health_checks(make_app, tiny_runs: Path) -> None:
    server = make_app(tiny_runs, password=PASSWORD, metrics=True).server
    client = server.test_client()
    rules = [rule for rule in server.url_map.iter_rules() if rule.rule not in password.OPEN]
    assert len(rules) > 15
    for rule in rules:
        path = rule.rule.replace("<", "").replace(">", "")
        for method in sorted(rule.methods or ()):
            answer = client.open(path, method=method)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert client.get("/no/such/address").status_code == 401
    assert [client.get(path).status_code for path in password.OPEN] == [200, 200]
    # an address that only looks like one of them
    assert [client.get(path).status_code for path in ("/healthz/", "/x//healthz", "/readyz/../")] == [401] * 3


def test_the_password_opens_the_page_whatever_the_user_s_name(make_app, tiny_runs: Path) -> None:
    client = make_app(tiny_runs, password=PASSWORD).server.test_client()
    for name in ("", "me", "é"):
        assert client.get("/", auth=(name, PASSWORD)).status_code == 200
        assert client.get("/api/v1/runs", auth=(name, PASSWORD)).status_code == 200


@pytest.mark.parametrize("given", ["", "correct horse battery", PASSWORD + " ", PASSWORD.upper(), "\x00", "é" * 5000])
def test_another_password_is_refused(guarded: FlaskClient, given: str) -> None:
    assert ask(guarded, given) == 401
    assert ask(guarded, PASSWORD) == 200


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic QQ==", "Bearer correct", "Digest username=a", "basic /w==", "Basic \xac", "\xff"],
)
def test_what_is_no_password_is_refused(guarded: FlaskClient, header: str) -> None:
    assert guarded.get("/", headers={"Authorization": header}).status_code == 401


def test_without_a_password_a_header_that_cannot_be_read_changes_nothing(make_app, tiny_runs: Path) -> None:
    client = make_app(tiny_runs).server.test_client()
    answer = client.get("/api/v1/runs", headers={"Authorization": "Basic \xac"})
    assert (answer.status_code, answer.get_data()) == (200, client.get("/api/v1/runs").get_data())
    assert "private" in answer.headers["Cache-Control"]


def test_guesses_are_limited_for_each_address(guarded: FlaskClient, clock: Clock) -> None:
    assert [ask(guarded, f"guess {k}") for k in range(GUESSES)] == [401] * GUESSES
    assert ask(guarded, "one more") == 429
    assert ask(guarded, PASSWORD) == 429  # else a guesser would learn it all the same
    assert ask(guarded, PASSWORD, "192.0.2.2") == 200
    clock.now += SECONDS_PER_GUESS
    assert ask(guarded, "one more") == 401
    assert ask(guarded, "and another") == 429
    clock.now += SECONDS_PER_GUESS
    assert ask(guarded, PASSWORD) == 200


def test_a_refused_guesser_is_told_when_to_come_again(guarded: FlaskClient, clock: Clock) -> None:
    for k in range(GUESSES):
        ask(guarded, f"guess {k}")
    answer = guarded.get("/", auth=("", PASSWORD), environ_base={"REMOTE_ADDR": "192.0.2.1"})
    clock.now += float(answer.headers["Retry-After"])
    assert ask(guarded, PASSWORD) == 200


def test_asking_without_a_password_is_no_guess(guarded: FlaskClient) -> None:
    assert {guarded.get("/").status_code for _ in range(3 * GUESSES)} == {401}
    assert ask(guarded, PASSWORD) == 200


def test_a_network_of_ipv6_guesses_as_one(guarded: FlaskClient) -> None:
    for k in range(GUESSES):
        ask(guarded, f"guess {k}", f"2001:db8::{k + 1:x}")
    assert ask(guarded, PASSWORD, "2001:db8::ffff") == 429
    assert ask(guarded, PASSWORD, "2001:db8:0:1::1") == 200


def test_visitors_of_ipv4_do_not_share_guesses_where_the_socket_is_of_ipv6(guarded: FlaskClient) -> None:
    for k in range(GUESSES):
        ask(guarded, f"guess {k}", "::ffff:192.0.2.1")
    assert ask(guarded, PASSWORD, "::ffff:192.0.2.1") == 429
    assert ask(guarded, PASSWORD, "::ffff:192.0.2.2") == 200


def test_the_table_of_guessers_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "_MAX_ADDRESSES", 50)
    guesses = Guesses(clock)
    for k in range(200):
        guesses.count_wrong(str(k))
    assert len(guesses) == 50


def test_a_proxy_s_word_on_the_address_counts_only_where_it_is_believed(make_app, tiny_runs: Path) -> None:
    def told(proxies: int) -> int:
        client = make_app(tiny_runs, password=PASSWORD, proxies=proxies).server.test_client()
        for k in range(GUESSES + 1):
            client.get("/healthz", auth=("", "x"), headers={"X-Forwarded-For": f"192.0.2.{k}"})
            client.get("/metrics", auth=("", "x"), headers={"X-Forwarded-For": f"192.0.2.{k}"})
        return client.get("/", auth=("", PASSWORD), headers={"X-Forwarded-For": "192.0.2.200"}).status_code

    assert (told(0), told(1)) == (429, 200)


def test_no_log_line_has_the_password(make_app, tiny_runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_app(tiny_runs, password=PASSWORD).server.test_client()
    client.get("/", auth=("name-of-user", PASSWORD), buffered=True)
    client.get("/", auth=("name-of-user", "a wrong password"), buffered=True)
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "'status': 401" in text
    assert not [secret for secret in (PASSWORD, "a wrong password", "name-of-user", "Basic ") if secret in text]
