"""The visitor behind a request: one text each, however the network writes the address."""

import ipaddress
import re
from collections.abc import Mapping

_MAX_CHARACTERS = 64
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HOUSEHOLD_BITS = 64
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::[0-9]+)?|(?P<four>[0-9.]+):[0-9]+")


def client_of(environ: Mapping[str, object]) -> str:
    """The visitor of a WSGI request, by its address (as given by a trusted proxy).

    An IPv4 address stands for itself, also within IPv6: a socket that listens on `::` sees IPv4 visitors as
    `::ffff:192.0.2.1`, and a translating network as `64:ff9b::192.0.2.1`. In IPv6 a household has a whole /64, which
    counts as one. Anything else (a Unix socket has no address) is shortened text.
    """
    return network_of(str(environ.get("REMOTE_ADDR") or ""))


def network_of(address: str) -> str:
    """Like `client_of`, for an address that may have a port or a zone."""
    found = _WITH_PORT.fullmatch(address)
    bare = (found["six"] or found["four"]) if found else address
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return address[:_MAX_CHARACTERS]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed in _NAT64:
        return str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
    return str(ipaddress.ip_network((parsed, _HOUSEHOLD_BITS), strict=False))
