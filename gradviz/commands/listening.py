"""Opens the dashboard's listening socket, or says in one sentence why it cannot."""

import errno
import ipaddress
import socket
import time

from gradviz.errors import UserError

_RELEASE_SECONDS = 7.0  # after its supervisor is killed, a server frees its port in this time, 5 s of it graceful
_RETRY_SECONDS = 0.1
_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `host`:`port`; UserError names the unusable setting and the reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise UserError(
            f"GRADVIZ_HOST: {host!r} is not an address of this machine: use 127.0.0.1 or 0.0.0.0."
        ) from error
    deadline = time.monotonic() + _RELEASE_SECONDS
    while True:
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise UserError(_reason(host, port, error)) from error
        # The kernel does not announce that a port is free again.
        time.sleep(_RETRY_SECONDS)


def _reason(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is in use on {host}: stop the program that uses it, or choose another with --port."
        case errno.EACCES:
            return f"Port {port} needs more rights than this user has: choose one above 1023 with --port."
        case errno.EADDRNOTAVAIL:
            return f"GRADVIZ_HOST: {host!r} is not an address of this machine: use 127.0.0.1 or 0.0.0.0."
    return f"Cannot listen on {host}:{port} ({error.strerror or error}): choose another with --host and --port."


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    return all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)


def reachable_host(host: str) -> str:
    """The address by which this machine reaches a server on `host`, which may mean all addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    shown = reachable_host(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
