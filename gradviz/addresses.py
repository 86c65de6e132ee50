"""Where the dashboard stands: below which path of a host, and in whose frames."""

import re
from urllib.parse import unquote

from gradviz.hosts import name_of

_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))(?:[A-Za-z0-9._~@:+-]|%[0-9A-Fa-f]{2})+)+", re.ASCII)
_MAX_PREFIX = 512
_OWN = ("api", "assets", "bundles", "healthz", "readyz", "metrics")
_ANCESTOR = re.compile(
    r"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>[^/:\[\]]+)(?::(?P<port>[0-9]{1,5}|\*))?/?", re.ASCII
)
_EDITORS = ("vscode-webview:", "vscode-file:")
SELF = "self"


def checked_prefix(text: str) -> str:
    """A path such as /tools/gradviz, with or without slashes at its ends, as `/tools/gradviz`; "" for `/`."""
    inner = text.strip().strip("/")
    if not inner:
        return ""
    prefix = f"/{inner}"
    if len(prefix) > _MAX_PREFIX or not _PREFIX.fullmatch(prefix) or not unquote(prefix).isprintable():
        raise ValueError(
            "a prefix is a path such as /tools/gradviz/, of letters, digits, `-`, `_`, `.`, `~`, `@` or %XX"
        )
    first = unquote(inner.partition("/")[0])
    if first in _OWN or first.startswith("_"):
        raise ValueError(f"/{first} is an address of the dashboard itself: choose another first part")
    return prefix


def as_path(prefix: str) -> str:
    """A checked prefix as WSGI gives paths: decoded, each byte a character."""
    return unquote(prefix, "latin-1")


def below(path: str, root: str) -> str | None:
    """What of the path follows the decoded prefix `root`; None if it lies elsewhere."""
    return path[len(root) :] if path.startswith(f"{root}/") else None


def checked_ancestor(text: str) -> str:
    """An entry of GRADVIZ_FRAME_ANCESTORS, as Content-Security-Policy has it: `self`, an origin, VS Code's pages.

    https://www.w3.org/TR/CSP3/#directive-frame-ancestors
    """
    entry = text.strip().lower()
    if entry.strip("'") == SELF:
        return f"'{SELF}'"
    if entry in _EDITORS:
        return entry
    found = _ANCESTOR.fullmatch(entry)
    name = name_of(found["host"]) if found else None
    port = found["port"] if found else None
    if found is None or name is None or (port and port != "*" and not 0 < int(port) <= 65535):
        raise ValueError(
            f"{text[:80]!r} is not an origin: list origins such as https://wiki.example.org, https://*.example.org or "
            "http://localhost:*, or self, separated by commas"
        )
    return f"{found['scheme']}://{found['any'] or ''}{name}" + (f":{port}" if port else "")
