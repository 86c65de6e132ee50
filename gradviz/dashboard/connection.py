"""Whether the client of a request is still there: one that has moved on waits for nothing any more."""

import select
import socket
from collections.abc import Mapping

from gradviz.compute.interface import StillWanted


def still_connected(environ: Mapping[str, object]) -> StillWanted:
    """Asks the connection of a WSGI request itself, where gunicorn gives it; always true elsewhere."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return lambda: True
    return lambda: not _is_closed(connection)


def _is_closed(connection: socket.socket) -> bool:
    try:
        readable = select.select([connection], [], [], 0)[0]
        # Bytes may be the client's next request; the end of all bytes is its leaving.
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
