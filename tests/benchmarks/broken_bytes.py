"""What comes over a socket and is no request, or one that is cut, mixed up, endless or too many."""

import random
from dataclasses import dataclass

from tests.benchmarks.odd_requests import OddRequests

_HOST = b"Host: localhost\r\n"
_GET = b"GET /healthz HTTP/1.1\r\n"
_POST = b"POST /api/v1/landscape HTTP/1.1\r\n" + _HOST + b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Sent:
    """`parts` are written one by one; then the client closes, says that no more will come, or waits for an answer."""

    name: str
    parts: tuple[bytes, ...]
    then: str = "wait"  # or `close`, `end`


# Whole by the grammar, or whole enough that nothing is to be waited for: answered, or the connection closed, at once.
_WHOLE: tuple[tuple[str, bytes], ...] = (
    ("no request line", b"\r\n\r\n\r\n"),
    ("no HTTP", b"hello\r\n\r\n"),
    ("binary", bytes(range(256)) * 4 + b"\r\n\r\n"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n"),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n"),
    ("HTTP/1.0 without a host", b"GET /healthz HTTP/1.0\r\n\r\n"),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("HTTP/9.9", b"GET / HTTP/9.9\r\n" + _HOST + b"\r\n"),
    ("HTTP/x", b"GET / HTTP/x\r\n" + _HOST + b"\r\n"),
    ("version of many digits", b"GET / HTTP/1." + b"1" * 3000 + b"\r\n" + _HOST + b"\r\n"),
    ("lower case", b"get / http/1.1\r\n" + _HOST + b"\r\n"),
    ("two spaces", b"GET  /healthz  HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a tab", b"GET\t/healthz\tHTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("NUL in the line", b"GET /\0 HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("bytes in the line", b"GET /\xff\xfe\x80 HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a direction in the line", "GET /api/v1/runs/\u200enone HTTP/1.1\r\n".encode() + _HOST + b"\r\n"),
    ("no path", b"GET HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("an address", b"GET http://evil.example/ HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("half an address", b"GET http://[ HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a port of letters", b"GET http://a:b/ HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("an asterisk", b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("an authority", b"CONNECT localhost:80 HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a long path", b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a very long path", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n"),
    ("a header without a colon", _GET + _HOST + b"colon\r\n\r\n"),
    ("a header without a name", _GET + _HOST + b": x\r\n\r\n"),
    ("a space before the colon", _GET + b"Host : localhost\r\n\r\n"),
    ("a folded header", _GET + _HOST + b"A: b\r\n c\r\n\r\n"),
    ("a folded first header", _GET + b" A: b\r\n" + _HOST + b"\r\n"),
    ("NUL in a header", _GET + _HOST + b"A: \0\r\n\r\n"),
    ("CR in a header", _GET + _HOST + b"A: b\rC: d\r\n\r\n"),
    ("LF alone", b"GET /healthz HTTP/1.1\nHost: localhost\n\n"),
    ("CR alone", b"GET /healthz HTTP/1.1\rHost: localhost\r\r\r\n\r\n"),
    ("bytes in a header's name", _GET + _HOST + b"\xff\xfe: x\r\n\r\n"),
    ("two hosts", _GET + _HOST + b"Host: evil.example\r\n\r\n"),
    ("no host", _GET + b"\r\n"),
    ("many headers", _GET + _HOST + b"".join(b"A%d: b\r\n" % k for k in range(2000)) + b"\r\n"),
    ("a long header", _GET + _HOST + b"A: " + b"b" * 100_000 + b"\r\n\r\n"),
    ("length of letters", _POST + b"Content-Length: many\r\n\r\n"),
    ("length below zero", _POST + b"Content-Length: -1\r\n\r\n"),
    ("length with a sign", _POST + b"Content-Length: +2\r\n\r\n{}"),
    ("length of many digits", _POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"),
    ("two lengths", _POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    ("lengths in one", _POST + b"Content-Length: 2, 2\r\n\r\n{}"),
    ("length and chunks", _POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunks", _POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of no size", _POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ("a chunk below zero", _POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk's extension", _POST + b"Transfer-Encoding: chunked\r\n\r\n2;a=b;c\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of another size", _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
    ("a trailer", _POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n"),
    ("chunks of another coding", _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunks twice", _POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("chunks that are none", _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("large chunks", _POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n"),
)
# Not whole: what is to come never does.
_CUT: tuple[tuple[str, bytes], ...] = (
    ("nothing", b""),
    ("half a line", b"GET /heal"),
    ("a line", _GET),
    ("half the headers", _GET + b"Hos"),
    ("half a body", _POST + b"Content-Length: 100\r\n\r\n{"),
    ("a body that never comes", _POST + b"Content-Length: 1500000000\r\n\r\n"),
    ("half a chunk", _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    ("half a chunk's size", _POST + b"Transfer-Encoding: chunked\r\n\r\nfff"),
)


def broken_bytes(requests: OddRequests, seed: int, number: int) -> Sent:
    """The k-th of a seed is the same in every run."""
    rng = random.Random(f"raw {seed} {number}")
    match rng.randrange(8):
        case 0 | 1 | 2:
            name, content = rng.choice(_WHOLE)
            return Sent(name, _in_parts(rng, content))
        case 3:
            name, content = rng.choice(_CUT)
            return Sent(name, _in_parts(rng, content), rng.choice(("close", "end")))
        case 4:
            content = requests.request(number).as_bytes()
            return Sent("a request, cut", (content[: rng.randrange(len(content))],), rng.choice(("close", "end")))
        case 5:
            content = requests.request(number).as_bytes()
            return Sent("an answer not waited for", (content,), "close")
        case 6:
            several = b"".join(requests.request(rng.randrange(10**9)).as_bytes() for _ in range(rng.randrange(2, 6)))
            return Sent("several at once", _in_parts(rng, several))
        case _:
            content = bytearray(requests.request(number).as_bytes())
            for _ in range(rng.randrange(1, 6)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            return Sent("bytes changed", (bytes(content),), "end")


def _in_parts(rng: random.Random, content: bytes) -> tuple[bytes, ...]:
    if rng.random() < 0.7 or len(content) < 2:
        return (content,)
    cuts = sorted(rng.randrange(1, len(content)) for _ in range(rng.randrange(1, 4)))
    return tuple(content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True) if a < b)
