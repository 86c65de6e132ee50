"""Sends a server what nobody should, and counts what must not be: answers 5xx, hangs, tracebacks in its log.

`python -m tests.benchmarks.fuzz [--requests 100000] [--seed 0] [--threads 8]` trains tiny runs and serves them,
read-only, for the time of the test; `--url http://127.0.0.1:8050 --log FILE` asks a server that is there, which must
be read-only. Two thirds are requests in form, sent over connections that are kept, one third are broken bytes over
connections of their own. A hang is an answer of which nothing comes for 5 s: an export that tells its progress is none.
The longest whole answer is printed beside it. `--only K` sends the K-th request alone and shows its answer. Exit status
1 if anything was found.
"""

import argparse
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from tests.benchmarks.broken_bytes import Sent, broken_bytes
from tests.benchmarks.odd_requests import OddRequests
from tests.benchmarks.serving import children, memory

HANG_SECONDS = 5.0
_GIVE_UP_SECONDS = 60.0
_LARGEST_ANSWER = 64_000_000


class Closed(Exception):
    """The server has closed the connection."""


@dataclass
class Found:
    """What the threads have counted."""

    answers: Counter[str] = field(default_factory=Counter)
    closed: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, int, str] = (0.0, 0, "")
    silence: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, number: int, name: str, statuses: list[int], busy: int, *, seconds: float, silence: float) -> None:
        """`seconds`: until the whole answer was there; `silence`: the longest time in which nothing of it came."""
        with self.lock:
            self.answers.update(f"{status // 100}xx" for status in statuses)
            self.answers["busy"] += busy
            self.closed += not statuses
            self.slowest = max(self.slowest, (seconds, number, name))
            self.silence = max(self.silence, silence)
            if any(status >= 500 for status in statuses):
                self.wrong.append(f"request {number}: {max(statuses)} ({name})")
            if silence > HANG_SECONDS:
                self.wrong.append(f"request {number}: nothing for {silence:.1f} s ({name})")

    def fail(self, number: int, name: str, error: Exception) -> None:
        with self.lock:
            self.wrong.append(f"request {number}: {type(error).__name__}: {error} ({name})")


class Connection:
    """Of a client that reads just enough of HTTP."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=_GIVE_UP_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.silence = 0.0
        """The longest wait for a byte since this was last set to 0."""

    def send(self, content: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused already: the answer says why
            self._socket.sendall(content)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def answer(self, *, head: bool = False) -> tuple[int, bytes, bytes, bool]:
        """Status, headers and content, and whether the connection stays."""
        headers = self._until(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.[01] ([0-9]{3})", headers)
        if found is None:
            raise ValueError(f"no answer of HTTP: {headers[:80]!r}")
        status = int(found[1])
        if status == 100:
            return self.answer(head=head)
        length = re.search(rb"\r\ncontent-length: *([0-9]+)", headers, re.IGNORECASE)
        if head or status in (204, 304):
            content = b""
        elif re.search(rb"\r\ntransfer-encoding: *chunked", headers, re.IGNORECASE):
            content = b""
            while size := int(self._until(b"\r\n"), 16):
                content += self._exactly(size + 2)[:-2]
            self._until(b"\r\n")
        elif length is not None:
            content = self._exactly(int(length[1]))
        else:
            content = self._all()
        closes = re.search(rb"\r\nconnection: *close", headers, re.IGNORECASE) is not None
        return status, headers, content, not closes

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._rest += self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._rest += self._more()
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def _all(self) -> bytes:
        with contextlib.suppress(Closed):
            while len(self._rest) < _LARGEST_ANSWER:
                self._rest += self._more()
        content, self._rest = self._rest, b""
        return content

    def _more(self) -> bytes:
        began = time.monotonic()
        try:
            more = self._socket.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        self.silence = max(self.silence, time.monotonic() - began)
        if not more:
            raise Closed
        return more


class Sender:
    def __init__(self, address: tuple[str, int], seed: int, found: Found) -> None:
        self._address, self._seed, self._found = address, seed, found
        self._requests = OddRequests(seed)
        self._kept = threading.local()

    def send(self, number: int, *, show: bool = False) -> None:
        is_broken = number % 3 == 2
        name = ""
        began = time.monotonic()
        try:
            if is_broken:
                sent = broken_bytes(self._requests, self._seed, number)
                name = sent.name
                if show:
                    print(b"".join(sent.parts)[:5000], sent.then)
                statuses, busy, silence = self._send_bytes(sent, show)
            else:
                request = self._requests.request(number)
                name = f"{request.method} {request.target.decode('latin-1')[:150]!r}"
                if show:
                    print(request.as_bytes()[:5000])
                statuses, busy, silence = self._send_request(request.as_bytes(), request.method == "HEAD", show)
        except (OSError, ValueError) as error:  # a hang of a minute, no connection, or no HTTP
            self._found.fail(number, name, error)
        else:
            seconds = time.monotonic() - began
            self._found.count(number, name, statuses, busy, seconds=seconds, silence=silence)

    def _send_request(self, content: bytes, head: bool, show: bool) -> tuple[list[int], int, float]:
        kept: Connection | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        for connection in (kept, None):
            connection = connection or Connection(self._address)
            connection.silence = 0.0
            connection.send(content)
            try:
                status, headers, body, stays = connection.answer(head=head)
            except Closed:
                connection.close()
                if kept is None:
                    return [], 0, 0.0
                kept = None  # it had been idle for long, or refused the request before
                continue
            if show:
                print(headers.decode("latin-1"), body[:500])
            if not stays:
                connection.close()
            self._kept.connection = connection if stays else None
            return *_told([(status, headers)]), connection.silence
        return [], 0, 0.0

    def _send_bytes(self, sent: Sent, show: bool) -> tuple[list[int], int, float]:
        connection = Connection(self._address)
        try:
            for part in sent.parts:
                connection.send(part)
            if sent.then == "close":
                return [], 0, 0.0
            connection.end()
            answers = []
            with contextlib.suppress(Closed):
                while True:
                    # Whose answers these are is not known: that of a HEAD ends with its headers.
                    status, headers, body, stays = connection.answer(head=b"HEAD " in b"".join(sent.parts))
                    answers.append((status, headers))
                    if show:
                        print(headers.decode("latin-1"), body[:500])
                    if not stays or b"HEAD " in b"".join(sent.parts):
                        break
            return *_told(answers), connection.silence
        finally:
            connection.close()


def _told(answers: list[tuple[int, bytes]]) -> tuple[list[int], int]:
    """Statuses, and how many more said that the server is busy, and when to come again."""
    busy = [status == 503 and b"\r\nretry-after:" in headers.lower() for status, headers in answers]
    return [status for (status, _), is_busy in zip(answers, busy, strict=True) if not is_busy], sum(busy)


@contextlib.contextmanager
def own_server(directory: Path) -> Iterator[tuple[str, Path]]:
    """Address and log of a server of one process over tiny runs; its memory is printed at the end."""
    runs, log = directory / "runs", directory / "log"
    train(runs, run_configs(epochs=2, rows=300, hidden=(20, 10, 5)), device="cpu")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "GRADVIZ_CACHE_DIR": str(directory / "cache"),
        "GRADVIZ_READ_ONLY": "1",
        "GRADVIZ_DEVICE": "cpu",
        "GRADVIZ_METRICS": "1",
    }
    command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(runs), "--port", str(port)]
    with (
        open(log, "w") as told,
        subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, stderr=told, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            assert server.stdout.readline(), log.read_text()
            yield f"http://127.0.0.1:{port}", log
            [master] = children(server.pid)
            print("Memory of the server process (MB):", *(memory(worker) for worker in children(master)))
        finally:
            server.terminate()


def fuzz(url: str, log: Path | None, options: argparse.Namespace) -> bool:
    """Whether nothing was found."""
    place = urlsplit(url)
    address = (place.hostname or "127.0.0.1", place.port or 80)
    with urllib.request.urlopen(f"{url}/api/v1/training", timeout=60) as answer:
        assert b'"read_only":true' in answer.read(), "The server must be read-only: the requests start trainings."
    found = Found()
    sender = Sender(address, options.seed, found)
    if options.only is not None:
        sender.send(options.only, show=True)
        return not found.wrong
    numbers = iter(range(options.first, options.first + options.requests))
    took = threading.Lock()

    def work() -> None:
        while True:
            with took:
                number = next(numbers, None)
            if number is None:
                return
            sender.send(number)

    threads = [threading.Thread(target=work) for _ in range(options.threads)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    tracebacks = _tracebacks(log.read_text(errors="replace") if log else "")
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as answer:
        under_way = re.findall(r"^gradviz_requests_under_way (\S+)", answer.read().decode(), re.MULTILINE)
    columns = ["requests", "seconds", "per second", "2xx", "3xx", "4xx", "5xx", "busy", "closed"]
    columns += ["longest silence s", "slowest s", "under way", "tracebacks"]
    print(f"| {' | '.join(columns)} |\n|{'--:|' * len(columns)}")
    counted = [f"{found.answers[kind]}" for kind in ("2xx", "3xx", "4xx", "5xx", "busy")]
    row = [f"{options.requests}", f"{seconds:.0f}", f"{options.requests / seconds:.0f}", *counted, f"{found.closed}"]
    row += [f"{found.silence:.2f}", f"{found.slowest[0]:.2f}"]
    left = [text for text in under_way if float(text) != 1]
    print("|", " | ".join([*row, *under_way, f"{sum(tracebacks.values())}"]), "|")
    print(f"slowest: request {found.slowest[1]}, {found.slowest[2]}")
    for line in [*found.wrong[:50], *(f"{times} × {text}" for text, times in tracebacks.most_common(20))]:
        print(line)
    return not (found.wrong or tracebacks or left)


def _tracebacks(log: str) -> Counter[str]:
    """By their last lines."""
    parts = log.split("Traceback (most recent call last)")[1:]
    return Counter(next((line for line in part.splitlines()[1:] if line[:1].strip()), "")[:300] for part in parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--url", help="of a server that is there; default: one of its own")
    parser.add_argument("--log", type=Path, help="where that server's log is written")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", type=int, help="send this request alone, and show its answer")
    options = parser.parse_args()
    if options.url:
        return 0 if fuzz(options.url, options.log, options) else 1
    with tempfile.TemporaryDirectory() as directory, own_server(Path(directory)) as (url, log):
        return 0 if fuzz(url, log, options) else 1


if __name__ == "__main__":
    sys.exit(main())
