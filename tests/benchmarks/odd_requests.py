"""Requests that nobody should send: made from the OpenAPI document and broken, or broken from the first byte on.

The k-th request of a seed is the same in every run. `tests/benchmarks/fuzz.py` sends them to a server, and
`tests/dashboard/test_odd_requests.py` a few hundred of them within one process.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gradviz.dashboard import ids
from gradviz.dashboard.openapi import document
from gradviz.dashboard.query import MAX_BODY_BYTES

Headers = dict[str, bytes]

ODD_TEXTS: tuple[str | bytes, ...] = (
    *("", " ", "\0", "a\0b", "\n", "\r\nX: y", "\t", "\x7f", "\x85", "\u2028"),
    *("\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "none\u200e", "\u202enone", "\ufeff", "e\u0301", "\U0001f4a9"),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"none\xff", b"\xe2\x80"),
    *("%", "%%", "%zz", "%u0041", "%2e%2e", "..", "../..", "/", "//", "/etc/passwd", "a/../b", "\\", "~", "${HOME}"),
    *(
        "-1",
        "-0",
        "+1",
        "01",
        "1.0",
        "1e3",
        "1e999",
        "-1e999",
        "1e-999",
        "nan",
        "NaN",
        "inf",
        "Infinity",
        "0x10",
        "1_0",
    ),
    *("\u0661", "\uff11", "9" * 19, "9" * 20, "9" * 400, "9" * 5000, "0." + "1" * 3000, "true", "null", "[]", "{}"),
    *("x" * 300, "x" * 10_000, "a," * 600, "<script>", "'\";--", "{{7*7}}", "%s%n", "=", "&", "?", "#", ";", "*"),
    *("hidden.1.linear.bias[-1]", "hidden.1.linear.bias[99999999999999999999]", "hidden.99.linear.bias[0]"),
    *("hidden.1.linear.weight[0]", "output.bias", "hidden.1.norm.bias[0]", "hidden.1.linear.bias[0]\u200e"),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**64), 10**400, 1e308, -0.0, float("inf"), float("nan")),
    *("", "x", "\0", "\u200e", "\ud800", "x" * 3000, [], {}, [[]], [None], {"a": 1}, {"": {}}, [1] * 300),
    *({"id": "address"}, {"search": 1}, {"search": "?" + "a=&" * 200}),
)
GOOD: dict[str, tuple[Any, ...]] = {
    "run": ("none", "dropout", "batchnorm"),
    "epoch": (0, 1, 2),
    "layer": (0, 1, 2),
    "minibatch": (0, 1),
    "minibatch_size": (64, 32, 100),
    "points": (3, 5, 7),
    "num_masks": (1, 2),
    "x": ("hidden.0.linear.bias[0]", "hidden.1.linear.weight[2,3]", "output.bias[0]"),
    "y": ("hidden.1.linear.bias[1]", "hidden.2.linear.bias[4]", "output.weight[0,1]"),
    "part": ("model", "hidden.1", "hidden.1.linear.bias"),
    "parts": ("all", "model"),
    "pair": ("",),
    "only": ("all", "0", "1,2"),
    "expected_key": ("", "0" * 40),
    "claim": ("accurate", "start"),
    "kind": ("html",),
    "half_width": (0.1, 1.0),
    "action": ("start", "stop", "delete"),
}
"""Of the tiny runs: answered in milliseconds."""

METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "BREW",
    "get",
    "G" * 30,
    "M-1",
)
PAGES = (
    *("/", "/healthz", "/readyz", "/metrics", "/_dash-layout", "/_dash-dependencies", "/_dash-update-component"),
    *("/_reload-hash", "/_favicon.ico", "/_dash-component-suites/dash/{}", "/_dash-component-suites/{}/x.js"),
    *("/assets/{}", "/bundles/{}", "/static/{}", "/{}", "/api/v1/{}", "/api/v1", "/api/v1/runs/{}", "/api//v1/runs"),
)
CALL: dict[str, Any] = {
    "output": f"{ids.OPENED}.data",
    "outputs": {"id": ids.OPENED, "property": "data"},
    "inputs": [{"id": ids.ADDRESS, "property": "data", "value": {"search": "?variant=none"}}],
    "changedPropIds": [f"{ids.ADDRESS}.data"],
    "parsedChangedPropsIds": [f"{ids.ADDRESS}.data"],
}
ODD_HEADERS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("Host", (b"a..b", b"", b"[::1", b"user@localhost", b"evil.example", b"\xff", b"localhost:99999", b"x" * 3000)),
    (
        "Accept",
        (b"*/*", b"text/csv", b"application/json;q=nan", b";;;,,,", b"image/*;q=1e999", b"\xe2\x80\x8e"),
    ),
    ("Accept-Encoding", (b"gzip", b"gzip;q=0", b"br;;q", b"\xff", b"identity, gzip;q=-1")),
    ("If-None-Match", (b"*", b'"', b'W/"x', b"\xff", b'"a",' * 300)),
    ("If-Modified-Since", (b"yesterday", b"Thu, 99 Jan 99999 99:99:99 GMT", b"Mon, 01 Jan 0001 00:00:00 +9999")),
    ("Range", (b"bytes=0-", b"bytes=9-1", b"bytes=-", b"lines=1", b"bytes=" + b"0-0," * 500)),
    (
        "Authorization",
        (b"Basic", b"Basic !!!", b"Basic /w==", b"Bearer x", b"Digest a=b", b"\xff"),
    ),
    ("Cookie", (b"a=b", b"=;=;", b"\xff=\xff", b"a=" + b"x" * 3000, b'a="')),
    (
        "Content-Type",
        (b"application/json", b"text/plain", b"application/json;charset=utf-99", b"x/y;;;=", b""),
    ),
    ("X-Request-ID", (b"a", b"\xe2\x80\x8e", b"x" * 100, b"a b")),
    ("X-Forwarded-For", (b"1.2.3.4", b"::g", b"a,b,,", b"\xff", b"1," * 500)),
    ("X-Forwarded-Proto", (b"https", b"javascript", b"\xff", b",,")),
    ("Sec-Fetch-Site", (b"same-origin", b"cross-site", b"none", b"\xff")),
    ("Origin", (b"null", b"http://localhost", b"http://[::1", b"https://evil.example", b"\xff", b"://")),
    ("Expect", (b"100-continue", b"200-ok")),
    ("Connection", (b"close", b"keep-alive", b"upgrade", b"\xff")),
    ("Upgrade", (b"websocket", b"h2c")),
    ("Referer", (b"\xff", b"http://[", b"x" * 3000)),
)


@dataclass(frozen=True)
class Request:
    """`target` as it stands in the request line."""

    method: str
    target: bytes
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    def as_bytes(self) -> bytes:
        headers = {"Host": b"localhost", **self.headers}
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            headers.setdefault("Content-Length", b"%d" % len(self.body))
        lines = [b"%s %s HTTP/1.1" % (self.method.encode(), self.target)]
        lines += [name.encode() + b": " + value for name, value in headers.items()]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


class OddRequests:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._document = document()
        self._operations = [
            (method.upper(), path, operation)
            for path, methods in self._document["paths"].items()
            for method, operation in methods.items()
        ]

    def request(self, number: int) -> Request:
        """A request with its line and headers in form; what they say need not be."""
        rng = random.Random(f"{self._seed} {number}")
        kind = rng.random()
        asked = self._of_the_api(rng) if kind < 0.7 else _of_the_page(rng) if kind < 0.85 else _callback(rng)
        headers = dict(asked.headers)
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            name, values = rng.choice(ODD_HEADERS)
            headers[name] = rng.choice(values)
        method = rng.choice(METHODS) if rng.random() < 0.05 else asked.method
        return Request(method, asked.target, headers, asked.body)

    def _of_the_api(self, rng: random.Random) -> Request:
        method, path, operation = rng.choice(self._operations)
        oddness = rng.choice((0.0, 0.1, 0.1, 0.5))
        query: list[bytes] = []
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            value = _text(rng, name, parameter["schema"], oddness)
            if parameter["in"] == "path":
                path = path.replace("{" + name + "}", value.decode("latin-1"))
            elif parameter["required"] or rng.random() < 0.3:
                query += [_encoded(rng, name) + b"=" + value] * rng.choice((1, 1, 1, 1, 1, 1, 1, 1, 2))
        if rng.random() < 0.05:
            query.append(_encoded(rng, rng.choice(ODD_TEXTS)) + b"=" + _encoded(rng, rng.choice(ODD_TEXTS)))
        rng.shuffle(query)
        target = path.encode("latin-1") + (b"?" + rng.choice((b"&", b"&", b"&", b";")).join(query) if query else b"")
        if method != "POST":
            return Request(method, target)
        [schema] = [each["schema"] for each in operation["requestBody"]["content"].values()]
        return Request(
            method, target, {"Content-Type": b"application/json"}, _json(rng, self._value(rng, schema), oddness)
        )

    def _value(self, rng: random.Random, schema: dict[str, Any], name: str = "") -> Any:
        if "$ref" in schema:
            return self._value(rng, self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        if name in GOOD:
            return rng.choice(GOOD[name])
        if "properties" in schema:
            needed = schema.get("required", ())
            chosen = {each: of for each, of in schema["properties"].items() if each in needed or rng.random() < 0.3}
            return {each: self._value(rng, of, each) for each, of in chosen.items()}
        if schema.get("type") == "array":
            return [self._value(rng, schema["items"]) for _ in range(rng.choice((1, 1, 2)))]
        return _fitting(rng, schema)


def _of_the_page(rng: random.Random) -> Request:
    page = rng.choice(PAGES).encode()
    target = page.replace(b"{}", _encoded(rng, rng.choice(ODD_TEXTS)))
    if rng.random() < 0.2:
        target += b"?" + _encoded(rng, rng.choice(ODD_TEXTS)) + b"=" + _encoded(rng, rng.choice(ODD_TEXTS))
    return Request("GET", target)


def _callback(rng: random.Random) -> Request:
    body = _json(rng, json.loads(json.dumps(CALL)), rng.choice((0.0, 0.3, 0.6)))
    return Request("POST", b"/_dash-update-component", {"Content-Type": b"application/json"}, body)


def _text(rng: random.Random, name: str, schema: dict[str, Any], oddness: float) -> bytes:
    if rng.random() < oddness:
        return _encoded(rng, rng.choice(ODD_TEXTS))
    value = rng.choice(GOOD[name]) if name in GOOD else _fitting(rng, schema)
    return quote(value if isinstance(value, str) else json.dumps(value), safe="").encode()


def _fitting(rng: random.Random, schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return _fitting(rng, rng.choice(schema["anyOf"]))
    match schema.get("type"):
        case "integer":
            low = schema.get("minimum", 0)
            return rng.choice((low, low + 1, low - 1, schema.get("maximum", low), schema.get("maximum", low) + 1))
        case "number":
            return rng.choice((0.1, 1.0, 0, -1.5, 1e9))
        case "boolean":
            return rng.random() < 0.5
    return schema.get("default", "x")


def _encoded(rng: random.Random, text: str | bytes) -> bytes:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:  # as it is, where a request line can hold it
        return bytes(byte for byte in content if byte > 0x20)
    return quote(content, safe="" if rng.random() < 0.8 else "/").encode()


def _json(rng: random.Random, value: Any, oddness: float) -> bytes:
    """The JSON of `value` with parts replaced, and sometimes its bytes."""
    while rng.random() < oddness:
        value = _with_a_part_replaced(rng, value)
    content = bytearray(json.dumps(value, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass"))
    if rng.random() < oddness / 3 and content:
        match rng.randrange(5):
            case 0:
                del content[rng.randrange(len(content)) :]
            case 1:
                content[rng.randrange(len(content))] = rng.randrange(256)
            case 2:
                content *= 2
            case 3:
                content = bytearray(b'{"a":' * rng.choice((50, 5000)))
            case 4:
                content += b" " * (MAX_BODY_BYTES + 1)
    return bytes(content)


def _with_a_part_replaced(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        rest = {each: of for each, of in value.items() if each != name}
        return rng.choice((rest, {**value, name: _with_a_part_replaced(rng, value[name])}, {**value, "x": 1}))
    if isinstance(value, list) and value and rng.random() < 0.85:
        k = rng.randrange(len(value))
        return [*value[:k], _with_a_part_replaced(rng, value[k]), *value[k + 1 :]]
    return rng.choice(ODD_VALUES)
