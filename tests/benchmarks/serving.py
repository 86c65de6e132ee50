"""What one web server process spends on a request: processor time, wall time, bytes; and the memory of the processes.

`python tests/benchmarks/serving.py RUNS [REQUESTS]`, with RUNS trained by `gradviz train`. Processor time is that of
the process as the system counts it, and hardly depends on what else the machine does; wall time is of one client.
"""

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

TICKS = os.sysconf("SC_CLK_TCK")
X, Y = (quote(f"hidden.1.linear.bias[{unit}]") for unit in (0, 1))


@dataclass(frozen=True)
class Kind:
    """Requests of one kind; `{}` in the path is another number each time, so that nothing is cached."""

    name: str
    path: str
    requests: int
    headers: tuple[tuple[str, str], ...] = ()


def kinds(requests: int) -> list[Kind]:
    gzip = (("Accept-Encoding", "gzip"),)
    field = f"x={X}&y={Y}"
    fresh = f"x=hidden.1.linear.bias%5B{{}}%5D&y={Y}"
    return [
        Kind("a landscape, computed", f"/api/v1/landscape?variant=none&epoch=12&{fresh}&format=binary", requests),
        Kind("a landscape, from the cache", f"/api/v1/landscape?variant=none&epoch=12&{field}&format=binary", requests),
        Kind(
            "all epochs of another minibatch, computed",
            f"/api/v1/frames?variant=none&epoch=12&{field}&minibatch={{}}",
            requests // 10,
            gzip,
        ),
        Kind(
            "all epochs of another pair, computed",
            f"/api/v1/frames?variant=none&epoch=12&{fresh}",
            requests // 10,
            gzip,
        ),
        Kind("all epochs, from the cache", f"/api/v1/frames?variant=none&epoch=12&{field}", requests // 10, gzip),
        Kind("runs and training, asked every second while training", "/api/v1/runs", requests),
        Kind("the page itself", "/", requests, gzip),
        Kind("health", "/healthz", requests),
    ]


@contextmanager
def serving(runs: Path) -> Iterator[tuple[int, int]]:
    """The port of a server of one process, and the number of that process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as cache:
        settings = {
            "GRADVIZ_CACHE_DIR": cache,
            "GRADVIZ_READ_ONLY": "1",
            "GRADVIZ_DEVICE": "cpu",
            "GRADVIZ_THREADS": "1",
        }
        command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(runs), "--port", str(port)]
        with subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True) as supervisor:
            assert supervisor.stdout is not None
            supervisor.stdout.readline()
            [master] = children(supervisor.pid)
            [worker] = children(master)
            try:
                yield port, worker
                print(f"\nMemory (MB): supervisor {memory(supervisor.pid)}, server process {memory(worker)}")
            finally:
                supervisor.terminate()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int) -> str:
    text = Path(f"/proc/{pid}/status").read_text()
    now, most = (int(re.findall(rf"{name}:\s+(\d+)", text)[0]) // 1024 for name in ("VmRSS", "VmHWM"))
    return f"{now} (at most {most})"


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(port: int, pid: int, kind: Kind) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    seconds, size = [], 0
    before = 0.0
    for number in range(-1, kind.requests):  # the first fills caches and is not counted
        if number == 0:
            before = processor_seconds(pid)
        began = time.perf_counter()
        connection.request("GET", kind.path.replace("{}", str(number + 3)), headers=dict(kind.headers))
        answer = connection.getresponse()
        size = len(answer.read())
        seconds.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
    spent = (processor_seconds(pid) - before) / kind.requests
    median, late = statistics.median(seconds[1:]), statistics.quantiles(seconds[1:], n=20)[-1]
    return f"| {kind.name} | {spent * 1e3:.2f} | {median * 1e3:.1f} | {late * 1e3:.1f} | {size:,} |"


def main(runs: Path, requests: int) -> None:
    with serving(runs) as (port, pid):
        print("| request | processor ms | median ms | p95 ms | bytes |\n|---|--:|--:|--:|--:|")
        for kind in kinds(requests):
            print(measure(port, pid, kind), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
