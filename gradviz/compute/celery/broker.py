"""The broker: which Redis it is, whether it is safe to use, and how to reach it."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gradviz.errors import UserError
from gradviz.settings import Settings

_SECURE = "use rediss://USER:PASSWORD@HOST:PORT/0?ssl_ca_certs=CA.pem"
_TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}
_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Broker:
    """A Redis that passed the checks. `shown` is its address without user and password, for messages and logs."""

    url: str = field(repr=False)
    shown: str
    tls: dict[str, str] | None

    def connect(self) -> redis.Redis:
        """A client with its own pool, safe to share between threads; connects at the first use."""
        options: dict[str, object] = {} if self.tls is None else {**self.tls, "ssl_cert_reqs": "required"}
        # One retry, because the pool does not notice that a connection has died.
        return redis.Redis.from_url(
            self.url,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),
            **options,
        )

    def celery_tls(self) -> dict[str, object] | None:
        """The same for Celery's own connections."""
        return None if self.tls is None else {**self.tls, "ssl_cert_reqs": ssl.CERT_REQUIRED}


def broker_of(settings: Settings) -> Broker:
    """The settings' broker; UserError with the remedy if messages would travel unencrypted or get lost.

    Off loopback it requires TLS and a password. A visibility timeout below the time limit of a task would give a
    running task to a second worker.
    """
    if settings.visibility_seconds <= settings.task_seconds:
        raise UserError(
            f"GRADVIZ_VISIBILITY_SECONDS must be above GRADVIZ_TASK_SECONDS ({settings.task_seconds}), got "
            f"{settings.visibility_seconds}: otherwise a running task would go to a second worker."
        )
    try:
        parts = urlsplit(settings.broker.get_secret_value())
        host, port = parts.hostname, parts.port or 6379
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme not in ("redis", "rediss") or not host:
        raise UserError("GRADVIZ_BROKER must be redis://HOST:PORT/0, or rediss:// with TLS; see docs/deploy.md.")
    query = dict(parse_qsl(parts.query))
    if not set(query) <= _TLS_FILES:
        raise UserError(
            f"GRADVIZ_BROKER: {sorted(set(query) - _TLS_FILES)[0]!r} is unknown: "
            f"after the ? use only {', '.join(sorted(_TLS_FILES))}."
        )
    shown = f"{parts.scheme}://{host}:{port}"
    if not _is_loopback(host):
        if parts.scheme != "rediss":
            raise UserError(f"GRADVIZ_BROKER: {shown} is not on this machine and has no TLS: {_SECURE}.")
        if not parts.password:
            raise UserError(f"GRADVIZ_BROKER: {shown} is not on this machine and has no password: {_SECURE}.")
    return Broker(parts._replace(query="").geturl(), shown, query if parts.scheme == "rediss" else None)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
