"""A broker that would drop work when its memory is full is named in the log."""

from collections.abc import Iterator

import pytest
import redis

from gradviz.compute.celery import desk as module
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import Desk
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings, client_of
from tests.compute.celery.running import RedisServer

DROPPING = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-random", "volatile-ttl"]


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis(port=redis_server.port) as client:
        client.config_set("maxmemory", "1gb")
        yield client
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


def desk_of(settings: Settings) -> Desk:
    return Desk(broker_of(settings), settings)


@pytest.mark.parametrize("policy", DROPPING)
def test_a_broker_that_drops_work_is_named_once(
    settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture, policy: str
):
    client.config_set("maxmemory-policy", policy)
    compute = client_of(settings)
    for _ in range(3):
        compute.load()  # /readyz asks for it
    assert caplog.text.count(f"maxmemory-policy is {policy}") == 1
    assert "noeviction" in caplog.text


def test_one_that_keeps_all_or_has_no_limit_is_not(
    settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
):
    desk_of(settings).look_at_policy()
    client.config_set("maxmemory", 0)
    client.config_set("maxmemory-policy", "allkeys-lru")
    desk_of(settings).look_at_policy()
    assert not caplog.text


def test_a_change_is_noticed_after_a_while(
    settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "POLICY_SECONDS", 0.0)
    desk = desk_of(settings)
    desk.look_at_policy()
    for policy, times in (("allkeys-lru", 1), ("allkeys-lru", 1), ("noeviction", 1), ("allkeys-lru", 2)):
        client.config_set("maxmemory-policy", policy)
        desk.look_at_policy()
        assert caplog.text.count("maxmemory-policy is allkeys-lru") == times


def test_a_user_who_may_not_ask_is_not_told(
    settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture, make_settings: MakeSettings
):
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.acl_setuser("humble", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-info"])
    broker = settings.broker.get_secret_value().replace("//", "//humble:any-one@")
    desk_of(make_settings(broker=broker)).look_at_policy()
    assert not caplog.text
    client.acl_deluser("humble")
