"""Reads whole requests and sends whole answers for any number of connections, in one thread (waitress).

A request gets a thread when its last byte has arrived, and releases it when its answer is made, not when it is sent: a
slow client costs only a connection. It closes connections that take too long, and when all are taken, the one that
has been idle longest.
"""

import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, cast

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from gradviz.addresses import below
from gradviz.compute.interface import Busy
from gradviz.dashboard.client import network_of
from gradviz.dashboard.routes import PREFIX
from gradviz.serving.pools import Limits, Pool, Pools, Task

_log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 32 * 1024
MAX_BODY_BYTES = 1024**2  # far more than any valid request; the app answers those that are too large for it
CONNECTIONS = 1000

_IDLE_SECONDS = 75.0
_REQUEST_SECONDS = 30.0  # from the first byte of a request to its last
_STALLED_SECONDS = 60.0  # while the client reads no byte of an answer
_SLOWEST_BYTES_PER_SECOND = 2000.0  # for an answer that takes longer than that
_MOST_UNSENT_BYTES = 80_000_000  # more than the largest file; unsent data beyond 1 MiB is on disk

HEALTH, PAGE, COMPUTING = "health", "page", "computing"
_HEALTH_PATHS = ("/healthz", "/readyz", "/metrics")
_QUICK = tuple(f"{PREFIX}/{name}" for name in ("runs", "training", "lessons", "openapi.json"))


def pool_of(path: str, root: str = "") -> str:
    """The pool of threads for this address, which may lie below `root`."""
    path = below(path, root) or path
    if path in _HEALTH_PATHS:
        return HEALTH
    return COMPUTING if path.startswith(f"{PREFIX}/") and not path.startswith(_QUICK) else PAGE


class _Busy(Error):
    """The queue is full; worded and formatted like the API's own errors."""

    code, reason = 503, "Service Unavailable"

    def __init__(self, busy: Busy) -> None:
        super().__init__(str(busy))
        self._retry_after = str(busy.seconds)

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        headers.append(("Retry-After", self._retry_after))
        return f"{self.code} {self.reason}", headers, json.dumps({"error": self.body}).encode()


class _Parser(HTTPRequestParser):
    """Answers 400 to anything that cannot be parsed."""

    path = ""  # waitress logs it, even if there is none

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except TransferEncodingNotImplemented as error:
            raise ParsingError(str(error)) from error
        except ValueError as error:  # an address like http://[ or a length of 5,000 digits
            raise ParsingError("Start line or header is invalid") from error


class _Refusal(ErrorTask):
    """An answer without the application, with one line in the log."""

    channel: Any

    def execute(self) -> None:
        super().execute()
        _log.info("refused", extra={"facts": {"status": int(self.status.split()[0]), "client": self.channel.client}})


class _Answer(WSGITask):
    def get_environment(self) -> dict[str, Any]:
        environ = super().get_environment()
        environ["SERVER_SOFTWARE"] = "gradviz"
        return environ


class _Channel(HTTPChannel):
    """One connection, with the start of its current request, and since when bytes of answers wait for their reader."""

    parser_class, task_class, error_task_class = _Parser, _Answer, _Refusal
    server: Any

    def __init__(self, server: "Front", *args: Any, **kwargs: Any) -> None:
        self.request_began: float | None = None
        self.answer_began: float | None = None
        super().__init__(server, *args, **kwargs)

    @property
    def client(self) -> str:
        """The client that this request counts for: the connection's address, or the one given by a trusted proxy."""
        told = self.requests[0].headers.get("X_FORWARDED_FOR", "").split(",") if self.requests else []
        proxies = self.server.proxies
        return network_of(told[-proxies].strip() if proxies and len(told) >= proxies else self.addr[0])

    def is_wanted(self) -> bool:
        return self.connected and not self.will_close

    def refuse(self, waiting: int, seconds: float) -> None:
        self.requests[0].error = _Busy(Busy(waiting, seconds))
        self.server.pools.add_task(self)

    def send_continue(self) -> None:
        assert self.request is not None
        if self.request.completed:  # otherwise waitress would wait for nothing
            self.request.expect_continue = False
        else:
            super().send_continue()

    def _flush_some(self, do_close: bool = True) -> bool:
        # The thread that ends an answer may still tell a client to continue while the front already flushes.
        with self.outbuf_lock:
            sent = super()._flush_some(do_close)  # pyright: ignore[reportAttributeAccessIssue]  (waitress has no types)
            if not self.total_outbufs_len:
                self.answer_began = None
            elif self.answer_began is None:
                self.answer_began = time.monotonic()
            return sent

    def received(self, data: bytes) -> bool:
        kept = super().received(data)
        if self.request is None:
            self.request_began = None
        elif self.request_began is None:
            self.request_began = time.monotonic()
        return kept

    def is_late(self) -> bool:
        """Whether it has exceeded its time to send a request, read an answer, or stay idle."""
        now, idle = time.monotonic(), time.time() - self.last_activity
        if self.total_outbufs_len:
            if self.answer_began is None:
                return False  # it has just been made, however long that took
            return min(idle, now - self.answer_began) > _STALLED_SECONDS or self._trickles(now)
        if self.requests:
            return False
        if self.request_began is not None and now - self.request_began > _REQUEST_SECONDS:
            return True
        return idle > _IDLE_SECONDS

    def _trickles(self, now: float) -> bool:
        if self.answer_began is None or self.requests:
            return False  # the answer is still in the making
        return now - self.answer_began > _STALLED_SECONDS + self.total_outbufs_len / _SLOWEST_BYTES_PER_SECOND


class Front(TcpWSGIServer):
    """Serves `application` on `listener`, a listening socket; `proxies`: as in the settings; `root`: the path below
    which it stands, decoded.

    Run it by calling `turn` repeatedly in one thread.
    """

    channel_class = _Channel
    active_channels: dict[int, _Channel]

    def __init__(
        self,
        application: Callable[..., Any],
        listener: socket.socket,
        *,
        proxies: int = 0,
        root: str = "",
        most_waiting: int = 256,
        connections: int = CONNECTIONS,
    ) -> None:
        self.proxies, self.root = proxies, root
        self._connections = connections
        self._open: dict[int, Any] = {}
        self.pools = Pools(
            {
                HEALTH: Pool(HEALTH, Limits(threads=4, share=3, waiting=connections)),
                PAGE: Pool(PAGE, Limits(threads=4, share=3, waiting=connections)),
                COMPUTING: Pool(COMPUTING, Limits(threads=64, share=48, waiting=most_waiting)),
            },
            _pool_of_task,
        )
        listener.setblocking(False)
        adjustments = Adjustments(
            sockets=[listener],
            ident=None,
            clear_untrusted_proxy_headers=False,  # the application trusts as many as its settings say
            channel_request_lookahead=1,  # to notice a client that leaves while it waits
            connection_limit=2 * connections,  # `_make_room` acts before that
            max_request_header_size=MAX_HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
            outbuf_high_watermark=_MOST_UNSENT_BYTES,
            log_socket_errors=False,
            cleanup_interval=1,
        )
        address = listener.getsockname()
        super().__init__(
            application,
            self._open,
            _sock=listener,
            dispatcher=cast(Any, self.pools),  # waitress only calls `add_task`
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, address),
            bind_socket=False,
        )

    def turn(self, seconds: float) -> None:
        """Handles pending events, waiting up to `seconds` for them."""
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._open, count=1)

    def handle_accept(self) -> None:
        if len(self.active_channels) >= self._connections:
            self._make_room()
        super().handle_accept()

    def stop_accepting(self) -> None:
        """Accepts no new connections; still answers pending requests."""
        self.accepting = False
        self.del_channel()

    @property
    def is_idle(self) -> bool:
        """Whether every request is answered and every answer sent."""
        return self.pools.is_idle and not any(
            channel.requests or channel.total_outbufs_len for channel in self.active_channels.values()
        )

    def maintenance(self, now: float) -> None:
        """waitress calls this every second."""
        for channel in list(self.active_channels.values()):
            if channel.is_late():
                channel.handle_close()

    def _make_room(self) -> None:
        """Closes the connection that has been idle longest, among those without a pending answer."""
        idle = [each for each in self.active_channels.values() if not each.requests and not each.total_outbufs_len]
        if idle:
            min(idle, key=lambda each: each.request_began or each.creation_time).handle_close()


def _pool_of_task(task: Task) -> str:
    assert isinstance(task, _Channel)
    request: Any = task.requests[0]  # it has a path if it could be parsed
    return PAGE if request.error else pool_of(request.path, task.server.root)
