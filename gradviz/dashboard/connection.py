"""Whether the client of a request is still there: one that has moved on waits for nothing any more."""

from collections.abc import Mapping

from gradviz.compute.interface import StillWanted

LEFT = "waitress.client_disconnected"


def still_connected(environ: Mapping[str, object]) -> StillWanted:
    """Asks the connection of a WSGI request itself, where our server gives it; always true elsewhere."""
    has_left = environ.get(LEFT)
    return (lambda: not has_left()) if callable(has_left) else lambda: True
