"""The names that this server answers to: a foreign page could read it by pointing another name here (DNS rebinding).

https://en.wikipedia.org/wiki/DNS_rebinding: only names can be redirected here; a numeric address is its own site.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

_HOST = re.compile(
    r"(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[(?P<six>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)
_SITE = re.compile(r"(?:https?://)?(?P<host>[^/]*)/?", re.IGNORECASE)
_MAX_NAME = 253  # of DNS
ANY = "*"


@dataclass(frozen=True)
class AllowedHosts:
    """`names` exactly, each name under one of `parents`, every loopback name; `addresses`: every numeric address."""

    names: frozenset[str]
    parents: tuple[str, ...] = ()
    addresses: bool = False
    everything: bool = False

    @classmethod
    def of(cls, listening: str, further: Iterable[str]) -> "AllowedHosts":
        """For a server that listens on `listening`; `further`: the names of GRADVIZ_ALLOWED_HOSTS, checked."""
        further = tuple(further)
        own = name_of(f"[{listening}]" if ":" in listening else listening)
        names = {entry for entry in further if not entry.startswith(ANY)} | ({own} if own else set())
        return cls(
            frozenset(names),
            tuple(entry.removeprefix(ANY) for entry in further if entry.startswith("*.")),
            addresses=own is None or not is_loopback_name(own),
            everything=ANY in further,
        )

    def allow(self, name: str) -> bool:
        return (
            self.everything
            or is_loopback_name(name)
            or (self.addresses and _address(name) is not None)
            or self.names_it(name)
        )

    def names_it(self, name: str) -> bool:
        """Whether the operator listed this name, or one above it."""
        return name in self.names or name.endswith(self.parents)


def name_of(header: str) -> str | None:
    """The name in a Host header, in lower case, without port, brackets and final dot; None if it is invalid."""
    found = _HOST.fullmatch(header) if len(header) <= _MAX_NAME + len(".:65535") else None
    if found is None or not 0 < int(found["port"] or 1) <= 65535:
        return None
    if found["six"] is not None:
        try:
            return str(ipaddress.IPv6Address(found["six"]))
        except ValueError:
            return None
    return found["name"].lower().removesuffix(".")


def is_loopback_name(name: str) -> bool:
    """Whether browsers resolve the name to this machine (RFC 6761), or it is a loopback address."""
    address = _address(name)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def checked_entry(text: str) -> str:
    """An entry of GRADVIZ_ALLOWED_HOSTS: a name, `*.name` or `*`, without the scheme and port of a proxy's site."""
    site = _SITE.fullmatch(text.strip())
    host = site["host"] if site else ""
    if host == ANY:
        return ANY
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    prefix = "*." if host.startswith("*.") else ""
    try:
        name = name_of(host.removeprefix(prefix).encode("idna").decode() if not host.isascii() else host[len(prefix) :])
    except UnicodeError:
        name = None
    if name is None:
        raise ValueError(f"{text[:80]!r} is not a host: list hosts such as gradviz.example.org, separated by commas")
    return prefix + name


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
