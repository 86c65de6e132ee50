"""What many visitors, heavy ones, slow ones and those who leave do to each other, on one server process.

`python -m tests.benchmarks.load RUNS [PEOPLE,PEOPLE…]`, with RUNS trained by `gradviz train` (three variants, a
checkpoint of epoch 0 at least). All clients are one process on the same machine as the server and share its cores: the
figures are upper bounds. Ratios are against the same server, idle, in the same run. Exit status 1 where health took
longer than a second, or a new pair beside leaving and slow clients three times its time on the idle server.
"""

import asyncio
import itertools
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.benchmarks.serving import serving

AT_ONCE = 6  # connections of one browser to one server
PROBE_SECONDS = 0.1
WINDOW_SECONDS = 12.0
LIMIT_SECONDS = 600.0
MOST_HEALTH_SECONDS = 1.0
MOST_RATIO = 3.0

_units = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float
    body: bytes = field(repr=False)


async def get(port: int, path: str) -> Answer:
    """One request on a connection of its own."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request_of(path))
        await writer.drain()
        head, _, body = (await asyncio.wait_for(reader.read(-1), LIMIT_SECONDS)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return Answer(int(head.split()[1]), time.perf_counter() - began, body)


def request_of(path: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Encoding: gzip", "Connection: close", "", "")
    return "\r\n".join(lines).encode()


def new_pair(over: str = "landscape", **more: object) -> str:
    """An address that nobody has asked yet."""
    unit = next(_units)
    asked = {"variant": "none", "epoch": 0, "x": bias(unit % 900), "y": bias(950 + unit // 900), "format": "binary"}
    if over == "frames":
        del asked["format"]
    return f"/api/v1/{over}?{urlencode(asked | more)}"


def heavy() -> str:
    """A picture that takes minutes: another set of masks at each of 201 x 201 points."""
    return new_pair(run="dropout", mode="train", masks="fresh", points=201)


def bias(unit: int) -> str:
    return f"hidden.1.linear.bias[{unit}]"


class Health:
    """How long health takes, asked again and again."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @asynccontextmanager
    async def watched(self, port: int) -> AsyncIterator[None]:
        async def watch() -> None:
            for path in itertools.cycle(("/healthz", "/readyz")):
                answer = await get(port, path)
                assert answer.status == 200, answer
                self.seconds.append(answer.seconds)
                await asyncio.sleep(PROBE_SECONDS)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def __str__(self) -> str:
        return f"{ms(self.seconds, 0.5)} | {ms(self.seconds, 0.99)}"

    @property
    def p99(self) -> float:
        return quantile(self.seconds, 0.99)


def quantile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ms(seconds: list[float], share: float) -> str:
    return f"{quantile(seconds, share) * 1e3:.0f}"


async def open_page(port: int) -> tuple[float, float, int]:
    """A first visit, as a browser makes it, then a pair that nobody has looked at: seconds of each, and requests."""
    began = time.perf_counter()
    files = await linked(port)
    gate = asyncio.Semaphore(AT_ONCE)

    async def fetch(path: str) -> Answer:
        async with gate:
            return await get(port, path)

    first = [*files, "/_dash-layout", "/_dash-dependencies", "/api/v1/runs", "/api/v1/training", common_view()]
    answers = await asyncio.gather(*map(fetch, first))
    opened = time.perf_counter() - began
    wrong = [path for path, answer in zip(first, answers, strict=True) if answer.status != 200]
    assert not wrong, wrong
    selection = await get(port, new_pair("frames"))
    assert selection.status == 200, selection
    return opened, selection.seconds, len(first) + 1


async def linked(port: int) -> list[str]:
    """The files that the page names, as it is sent to whoever takes nothing compressed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_of("/").replace(b"Accept-Encoding: gzip\r\n", b""))
    text = (await reader.read(-1)).decode()
    writer.close()
    return re.findall(r'(?:src|href)="(/[^"]+)"', text)


def common_view() -> str:
    """What everybody sees first."""
    return f"/api/v1/frames?variant=none&epoch=0&x={quote(bias(0))}&y={quote(bias(1))}"


async def people(port: int, number: int) -> None:
    health = Health()
    async with health.watched(port):
        found = await asyncio.gather(*(open_page(port) for _ in range(number)))
    opened, selected = [each[0] for each in found], [each[1] for each in found]
    print(
        f"| {number} people open the page ({found[0][2]} requests each) | {quantile(opened, 0.5):.1f} "
        f"| {quantile(opened, 0.99):.1f} | {quantile(selected, 0.5):.2f} | {quantile(selected, 0.99):.2f} | {health} |",
        flush=True,
    )


async def pair_seconds(port: int, number: int = 15) -> list[float]:
    """Of new pairs, one after the other, as a visitor asks them."""
    seconds = []
    for _ in range(number):
        answer = await get(port, new_pair())
        assert answer.status == 200, answer
        seconds.append(answer.seconds)
        await asyncio.sleep(PROBE_SECONDS)
    return seconds


async def leave_again_and_again(port: int) -> None:
    """Asks something heavy and leaves after a moment, without end."""
    while True:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_of(heavy()))
        await writer.drain()
        await asyncio.sleep(0.5)
        writer.close()


async def stay(port: int) -> None:
    """Asks something heavy and waits for it."""
    await get(port, heavy())


async def read_slowly(port: int) -> None:
    """Takes one byte a second of a large answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(request_of(f"/api/v1/landscape?variant=none&epoch=0&x={bias(0)}&y={bias(1)}&points=201&format=json"))
    await writer.drain()
    while await reader.read(1):
        await asyncio.sleep(1.0)
    writer.close()


async def never_finish(port: int) -> None:
    """Begins a request and sends no more."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /api/v1/landscape HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    await asyncio.sleep(LIMIT_SECONDS)


async def sweep(port: int) -> None:
    """Looks at all epochs of one new pair after another."""
    while True:
        await get(port, new_pair("frames"))


@dataclass(frozen=True)
class Scene:
    name: str
    clients: tuple[tuple[Callable[[int], Awaitable[None]], int], ...]
    is_bound: bool = True


SCENES = (
    Scene("20 leave heavy landscapes, 50 read slowly", ((leave_again_and_again, 20), (read_slowly, 50))),
    Scene("8 leave the same again and again", ((leave_again_and_again, 8),)),
    Scene("20 wait for heavy landscapes", ((stay, 20),)),
    Scene("100 requests without end", ((never_finish, 100),)),
    Scene("4 visitors with 2 new sweeps each", ((sweep, 8),), is_bound=False),
    Scene("8 visitors with 2 new sweeps each", ((sweep, 16),), is_bound=False),
)


async def beside(port: int, scene: Scene, idle: float) -> bool:
    """Health, and another visitor's new pairs, while these clients are there; whether both are in their bounds."""
    health = Health()
    clients = [asyncio.ensure_future(client(port)) for client, number in scene.clients for _ in range(number)]
    try:
        await asyncio.sleep(1.0)
        async with health.watched(port):
            seconds = await pair_seconds(port)
            await asyncio.sleep(max(0.0, WINDOW_SECONDS - sum(seconds)))
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    ratio = statistics.median(seconds) / idle
    print(
        f"| {scene.name} | {health} | {statistics.median(seconds) * 1e3:.0f} | {ms(seconds, 0.99)} | {ratio:.1f} |",
        flush=True,
    )
    return health.p99 < MOST_HEALTH_SECONDS and (ratio < MOST_RATIO or not scene.is_bound)


async def measure(port: int, numbers: list[int]) -> bool:
    await get(port, common_view())
    await pair_seconds(port, 3)
    idle = statistics.median(await pair_seconds(port))
    print(f"A new pair on the idle server: {idle * 1e3:.0f} ms (median of 15).\n")
    print(
        "| clients | health median ms | p99 ms | a new pair, median ms | p99 ms | over idle |",
        "|---|--:|--:|--:|--:|--:|",
        sep="\n",
    )
    in_bounds = [await beside(port, scene, idle) for scene in SCENES]
    print("\n| people | opened, median s | p99 s | new pair, median s | p99 s | health median ms | p99 ms |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for number in numbers:
        await people(port, number)
    return all(in_bounds)


def main(runs: Path, numbers: list[int]) -> int:
    with serving(runs) as (port, _):
        return 0 if asyncio.run(measure(port, numbers)) else 1


if __name__ == "__main__":
    chosen = [int(number) for number in sys.argv[2].split(",")] if len(sys.argv) > 2 else [1, 10, 50, 100, 200]
    sys.exit(main(Path(sys.argv[1]), chosen))
