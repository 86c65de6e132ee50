"""The dashboard below a path of its host, whether a proxy in front passes that path on or takes it off.

The page itself asks by addresses relative to its own, so it needs to know no prefix.
"""

import hmac
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response

from gradviz.addresses import as_path, below
from gradviz.dashboard.sending import mistake


class Prefix:
    """WSGI middleware: moves `prefix` (checked, or "") from PATH_INFO to SCRIPT_NAME, where PATH_INFO has it.

    `insist`: the prefix is a secret, without which nothing is answered.
    """

    def __init__(self, server: WSGIApplication, prefix: str, *, insist: bool = False) -> None:
        self._server, self._root, self._insist = server, as_path(prefix), insist
        self._bare_to = f"{prefix.rpartition('/')[2]}/"  # relative: a proxy may have taken off what lies above

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not self._is_ours(path):
            refused = mistake("This address lacks the key of its notebook: run the cell again.", 403)
            return refused(environ, start_response)
        if path == self._root:
            query = environ.get("QUERY_STRING", "")
            moved = Response(status=308, headers={"Location": self._bare_to + (f"?{query}" if query else "")})
            moved.autocorrect_location_header = False
            return moved(environ, start_response)
        rest = below(path, self._root)
        given = {} if rest is None else {"PATH_INFO": rest}
        script = environ.get("SCRIPT_NAME", "") + self._root
        return self._server({**environ, **given, "SCRIPT_NAME": script}, start_response)

    def _is_ours(self, path: str) -> bool:
        head, end = path[: len(self._root)], path[len(self._root) : len(self._root) + 1]
        is_same = hmac.compare_digest(head.encode("latin-1", "replace"), self._root.encode("latin-1"))
        return not self._insist or (is_same and end in ("", "/"))
