"""Connections cost no thread: whoever sends or reads slowly, leaves or sends junk stops nobody else."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from gradviz.serving import front as front_module
from gradviz.serving.front import COMPUTING, HEALTH, MAX_BODY_BYTES, MAX_HEADER_BYTES, PAGE, Front, pool_of

PATIENCE_SECONDS = 60
BIG = b"x" * 4_000_000


class Application:
    """A WSGI application whose requests wait for what the test says."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.waits = threading.Semaphore(0)
        self.left = threading.Event()
        self.made_all = threading.Event()

    def __call__(self, environ: dict, start_response: Callable) -> list[bytes] | Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        path = environ["PATH_INFO"]
        if path.endswith("/wait"):
            return [self._wait(environ["waitress.client_disconnected"])]
        if path.endswith("/big"):
            return [BIG]
        if path.endswith("/stream"):
            return self._stream()
        return [environ["wsgi.input"].read() or b"OK"]

    def _wait(self, has_left: Callable[[], bool]) -> bytes:
        self.waits.release()
        while not self.may_end.wait(0.01):
            if has_left():
                self.left.set()
                break
        return b"waited"

    def _stream(self) -> Iterator[bytes]:
        for _ in range(8):
            yield BIG[:1_000_000]
        self.made_all.set()


class Served:
    """A front in a thread of its own."""

    def __init__(self, application: Application, **options: Any) -> None:
        self.application = application
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        self.front = Front(application, listener, **options)
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            self.front.turn(0.05)

    def connect(self, stack: ExitStack, *, receives: int | None = None) -> socket.socket:
        connection = stack.enter_context(socket.socket())
        if receives is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(self.address)
        return connection

    def ask(self, request: bytes) -> bytes:
        """All bytes of the answer, to the end of the connection."""
        with ExitStack() as stack:
            connection = self.connect(stack)
            connection.sendall(request)
            return everything(connection)

    def get(self, path: str, *headers: str) -> bytes:
        return self.ask(get(path, "Connection: close", *headers))

    def close(self) -> None:
        self.application.may_end.set()
        self._stopping = True
        self._thread.join()
        self.front.pools.stop()
        for channel in list(self.front.active_channels.values()):
            channel.handle_close()
        self.front.close()


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):  # the other way for it to end
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.fixture
def make_served():
    made: list[Served] = []

    def make(**options: int) -> Served:
        made.append(Served(Application(), **options))
        return made[-1]

    yield make
    for served in made:
        served.close()


@pytest.fixture
def served(make_served) -> Served:
    return make_served()


@pytest.mark.parametrize(
    ("path", "pool"),
    [
        ("/healthz", HEALTH),
        ("/readyz", HEALTH),
        ("/metrics", HEALTH),
        ("/", PAGE),
        ("/assets/main.js", PAGE),
        ("/api/v1/runs", PAGE),
        ("/api/v1/runs/none", PAGE),
        ("/api/v1/training", PAGE),
        ("/api/v1/lessons/arrow", PAGE),
        ("/api/v1/landscape", COMPUTING),
        ("/api/v1/frames", COMPUTING),
        ("/api/v1/exports", COMPUTING),
        ("/api/v1/unknown", COMPUTING),
    ],
)
def test_health_and_the_page_never_wait_for_what_computes(path: str, pool: str):
    assert pool_of(path) == pool


UNFINISHED = {
    "nothing": b"",
    "a request line without end": b"GET /api/v1/wait",
    "headers without end": b"GET /api/v1/wait HTTP/1.1\r\nHost: localhost\r\nX-A: b",
    "a body that never comes": b"POST /api/v1/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
    "a chunk that never comes": b"POST /api/v1/wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{",
}


def test_unfinished_requests_hold_no_thread(served: Served):
    with ExitStack() as stack:
        for begun in [*UNFINISHED.values()] * 20:
            served.connect(stack).sendall(begun)
        for path in ("/healthz", "/", "/api/v1/frames"):
            assert served.get(path).endswith(b"OK")


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_request_is_closed_after_its_time(served: Served, begun: bytes, monkeypatch: pytest.MonkeyPatch):
    with ExitStack() as stack:
        connection = served.connect(stack)
        connection.sendall(begun)
        monkeypatch.setattr(front_module, "_REQUEST_SECONDS", 0.0)
        monkeypatch.setattr(front_module, "_IDLE_SECONDS", 0.0)
        assert everything(connection) == b""


def test_slow_readers_hold_no_thread(served: Served):
    with ExitStack() as stack:
        for _ in range(70):  # more than there are threads
            served.connect(stack, receives=4096).sendall(get("/api/v1/big"))
        assert served.get("/api/v1/big").endswith(BIG)
        assert served.get("/healthz").endswith(b"OK")


def test_a_stream_is_made_to_its_end_though_nobody_reads_it(served: Served):
    with ExitStack() as stack:
        served.connect(stack, receives=4096).sendall(get("/api/v1/stream"))
        assert served.application.made_all.wait(PATIENCE_SECONDS)


def test_who_takes_nothing_of_an_answer_is_closed(served: Served, monkeypatch: pytest.MonkeyPatch):
    with ExitStack() as stack:
        connection = served.connect(stack, receives=4096)
        connection.sendall(get("/api/v1/big", "Connection: close"))
        while not any(channel.total_outbufs_len for channel in list(served.front.active_channels.values())):
            served.get("/healthz")
        monkeypatch.setattr(front_module, "_STALLED_SECONDS", 0.0)
        while served.front.active_channels:
            served.get("/healthz")
        assert len(everything(connection)) < len(BIG)


def test_an_answer_that_has_just_been_made_is_not_late(monkeypatch: pytest.MonkeyPatch):
    # The test is the front's thread: nothing is sent between two turns but by the thread that answers.
    whole, begun, may_go_on = 2 * BIG, threading.Event(), threading.Event()
    clock = SimpleNamespace(now=time.monotonic(), monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr(front_module, "time", clock)

    def in_two_parts(environ: dict, start_response: Callable) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", str(len(whole) + 1))])
        yield whole
        begun.set()
        assert may_go_on.wait(PATIENCE_SECONDS)
        yield b"x"

    listener = socket.create_server(("127.0.0.1", 0))
    front = Front(in_two_parts, listener)
    with ExitStack() as stack:
        stack.callback(front.close)
        stack.callback(front.pools.stop)
        client = stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_SECONDS)
        client.connect(listener.getsockname())

        def is_asked() -> None:
            client.sendall(get("/"))
            while not begun.is_set():
                front.turn(0.01)
            begun.clear()

        def is_made() -> None:
            may_go_on.set()
            while not front.pools.is_idle:
                begun.wait(0.001)
            may_go_on.clear()

        read = 0
        is_asked()
        (channel,) = front.active_channels.values()
        stack.callback(channel.handle_close)
        while channel.total_outbufs_len > 1_000_000:
            read += len(client.recv(65536))
            front.turn(0)
        while read < len(whole) - channel.total_outbufs_len:
            read += len(client.recv(65536))
        is_made()
        assert not channel.total_outbufs_len  # the thread that answered has sent the rest
        while read < len(whole):
            read += len(client.recv(65536))
        clock.now += 10_000
        is_asked()
        is_made()
        assert channel.total_outbufs_len
        assert not channel.is_late()


def test_who_has_left_is_noticed_while_the_answer_is_made(served: Served):
    with ExitStack() as stack:
        served.connect(stack).sendall(get("/api/v1/wait"))
        assert served.application.waits.acquire(timeout=PATIENCE_SECONDS)
    assert served.application.left.wait(PATIENCE_SECONDS)


def test_one_client_leaves_threads_to_others(make_served):
    served = make_served(proxies=1)
    with ExitStack() as stack:
        # what a client says of itself is not believed: the proxy's word is the last one
        for number in range(100):
            served.connect(stack).sendall(get("/api/v1/wait", f"X-Forwarded-For: 198.51.100.{number}, 192.0.2.1"))
        for _ in range(48):
            assert served.application.waits.acquire(timeout=PATIENCE_SECONDS)
        assert served.get("/api/v1/landscape", "X-Forwarded-For: 192.0.2.2").endswith(b"OK")
        assert not served.application.waits.acquire(blocking=False)


def test_more_than_may_wait_are_told_so(make_served):
    served = make_served(most_waiting=2)
    with ExitStack() as stack:
        for _ in range(48):
            served.connect(stack).sendall(get("/api/v1/wait"))
            assert served.application.waits.acquire(timeout=PATIENCE_SECONDS)
        for number in (1, 2):
            served.connect(stack).sendall(get("/api/v1/wait"))
            while served.front.pools._pools[COMPUTING].waiting < number:
                served.get("/healthz")
        head, _, body = served.get("/api/v1/landscape").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in head
        assert json.loads(body)["error"].startswith("Busy: 2 computations are waiting")


MALFORMED = {
    "no request": b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "a line of words": b"hello there server\r\n\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\n\r\n",
    "a header without colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "a header that continues nothing": b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "an address in half a bracket": b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nContent-Length: one\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a length of 5,000 digits": b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "an unknown coding": b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a chunk of no size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "headers without measure": b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEADER_BYTES + b"\r\n\r\n",
    "a line without measure": b"GET /" + b"a" * MAX_HEADER_BYTES + b" HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_refused_at_once(served: Served, request_bytes: bytes, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    status = served.ask(request_bytes).split(b" ", 2)[1]
    assert status in (b"400", b"431")
    assert not [record for record in caplog.records if record.exc_info]
    assert len([record for record in caplog.records if record.message == "refused"]) == 1


def test_what_is_no_request_has_a_path_for_the_log():
    parser = front_module._Parser(Adjustments())
    parser.received(b"hello\r\n\r\n")
    assert parser.completed
    assert (parser.error is not None, parser.path) == (True, "")


@pytest.mark.parametrize(
    "rest", ["\r\n", "Content-Length: 0\r\n\r\n", "Content-Length: 2\r\n\r\nOK"], ids=["none", "empty", "sent already"]
)
def test_who_asks_whether_to_send_a_body_that_is_there_is_answered_at_once(served: Served, rest: str):
    assert served.ask(
        f"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n{rest}".encode()
    ).endswith(b"OK")


@pytest.mark.parametrize(
    "headers",
    [f"Content-Length: {1500 * MAX_BODY_BYTES}", "Transfer-Encoding: chunked"],
    ids=["with its length", "chunked"],
)
def test_a_body_without_measure_is_not_read(served: Served, headers: str):
    with ExitStack() as stack:
        connection = served.connect(stack)
        connection.sendall(f"POST /x HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n".encode())
        if headers.endswith("chunked"):
            connection.sendall(f"{MAX_BODY_BYTES + 1:x}\r\n".encode() + b"x" * (MAX_BODY_BYTES + 1))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_two_threads_that_flush_send_each_byte_once(served: Served, monkeypatch: pytest.MonkeyPatch):
    with socket.create_connection(served.address, timeout=PATIENCE_SECONDS) as client:
        client.sendall(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\nOK"):  # the head may come alone
            answer += client.recv(1000)
        [channel] = served.front.active_channels.values()
        while channel.total_outbufs_len:  # what has arrived is noted as sent a moment later
            pass
    sent: list[bytes] = []
    others: list[threading.Thread] = []

    def send(data: bytes, **_: bool) -> int:
        if not others:  # between reading the buffer and noting what was sent
            others.append(threading.Thread(target=channel._flush_some))
            others[0].start()
            others[0].join(0.1)
        sent.append(data)
        return len(data)

    monkeypatch.setattr(channel, "send", send)
    with channel.outbuf_lock:
        channel.outbufs[-1].append(b"continue")
        channel.total_outbufs_len += len(b"continue")
    channel._flush_some()
    others[0].join(PATIENCE_SECONDS)
    assert b"".join(sent) == b"continue"
    assert channel.total_outbufs_len == 0


def test_where_all_connections_are_taken_the_one_idle_longest_makes_room(make_served):
    served = make_served(connections=10)
    with ExitStack() as stack:
        taken = [served.connect(stack) for _ in range(10)]
        while len(served.front.active_channels) < 10:
            pass
        assert served.get("/healthz").endswith(b"OK")
        assert taken[0].recv(1) == b""


def test_it_is_idle_when_all_answers_are_sent(served: Served):
    with ExitStack() as stack:
        connection = served.connect(stack)
        connection.sendall(get("/api/v1/wait", "Connection: close"))
        assert served.application.waits.acquire(timeout=PATIENCE_SECONDS)
        assert not served.front.is_idle
        served.application.may_end.set()
        assert everything(connection).endswith(b"waited")
        while not served.front.is_idle:
            pass
