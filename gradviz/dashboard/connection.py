"""Whether the client of a request is still connected: one that has left no longer needs an answer."""

from collections.abc import Mapping

from gradviz.compute.interface import StillWanted

LEFT = "waitress.client_disconnected"


def still_connected(environ: Mapping[str, object]) -> StillWanted:
    """Checks the connection of a WSGI request if our server provides it; always true elsewhere."""
    has_left = environ.get(LEFT)
    return (lambda: not has_left()) if callable(has_left) else lambda: True
