"""`gradviz.explore`: the dashboard of the current session, within its notebook."""

import atexit
import os
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from torch import nn

from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_trainer
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.routes import PREFIX
from gradviz.errors import UserError, shown
from gradviz.experiment.batches import Batch
from gradviz.experiment.study import Study
from gradviz.notebook.cells import Cells, ComputeBetweenCells
from gradviz.notebook.session import Session, open_session
from gradviz.serving.front import Front
from gradviz.settings import Settings, load_settings

_HOST = "127.0.0.1"
_KEY_BYTES = 24
_TURN_SECONDS = 0.5
_HUB = "JUPYTERHUB_SERVICE_PREFIX"  # the path of this user's server, as JupyterHub tells it


class Dashboard:
    """A dashboard that this process serves until `close`, or its end. A notebook shows it in a frame.

    `url` holds the key without which nothing is answered: who has it sees the runs.
    """

    def __init__(self, session: Session, *, device: str = "auto", below: str = "", height: int = 760) -> None:
        self._height, self._session = height, session
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        key = secrets.token_urlsafe(_KEY_BYTES)
        base = below.replace("{port}", f"{self.port}").rstrip("/") if below else _base(self.port)
        self.url = f"{base}/{key}/"
        settings = _settings(session)
        self._cells = Cells()
        self._cache = FieldCache(settings.cache_dir, settings.cache_bytes)
        compute = ComputeBetweenCells(session.store, self._cache, device=device)
        compute.cells = self._cells
        app = create_app(settings, compute, session.store, open_trainer(settings), key=key)
        # What the page asks first runs the study's own code: within this cell, and not beside the next one.
        app.server.test_client().get(f"/{key}{PREFIX}/runs")
        self._front = Front(app.server, self._listener, root=f"/{key}")
        self._is_open = True
        self._thread = threading.Thread(target=self._serve, name="gradviz-explore", daemon=True)
        self._cells.listen()
        self._thread.start()
        atexit.register(self.close)

    def close(self) -> None:
        """Ends the server, and removes what was made for it."""
        if not self._is_open:
            return
        self._is_open = False
        atexit.unregister(self.close)
        self._cells.forget()
        self._front.pull_trigger()
        self._thread.join()
        self._front.stop_accepting()
        self._front.close()
        self._listener.close()
        self._cache.close()
        self._session.scratch.cleanup()

    def _serve(self) -> None:
        while self._is_open:
            self._front.turn(_TURN_SECONDS)

    def _repr_html_(self) -> str:
        if not self._is_open:
            return "<p>This dashboard is closed: run its cell again.</p>"
        url = escape(self.url)
        return (
            f'<iframe src="{url}" title="gradviz" width="100%" height="{self._height}" style="border:0" '
            f'allow="clipboard-write; fullscreen"></iframe><p><a href="{url}" target="_blank" rel="noopener">'
            "In a window of its own</a>, as long as this kernel runs</p>"
        )

    def __repr__(self) -> str:
        return f"<gradviz dashboard at {self.url}>" if self._is_open else "<gradviz dashboard, closed>"


def explore(
    study: Study | None = None,
    model: nn.Module | None = None,
    minibatches: Sequence[Batch] | None = None,
    *,
    runs: Path | str | None = None,
    arguments: Mapping[str, Any] | None = None,
    device: str = "auto",
    below: str = "",
    height: int = 760,
) -> Dashboard:
    """Opens the dashboard of `model` as it is now, or of the directory `runs`, below the cell.

    `minibatches`: those to look at, by default the study's; `arguments`: those that make this model,
    `study.model(**arguments)`. `below`: the address at which a browser reaches a port of this machine, with `{port}` in
    its place; by default http://127.0.0.1:{port}, and in JupyterHub the path of jupyter-server-proxy.

    It serves on a loopback port of its own, below a key, in a thread of this process, and ends with it. It computes
    between cells, never beside one. Raises UserError as `gradviz.record`.
    """
    if below and "{port}" not in below:
        raise UserError(
            f"`below` must name the port, as in https://example.org/proxy/{{port}}, got {shown(repr(below))}."
        )
    return Dashboard(
        open_session(study, model, minibatches, runs=runs, arguments=arguments),
        device=device,
        below=below,
        height=height,
    )


def _base(port: int) -> str:
    hub = os.environ.get(_HUB, "")
    return f"{hub.rstrip('/')}/proxy/{port}" if hub else f"http://{_HOST}:{port}"


def _settings(session: Session) -> Settings:
    """Of a server for one person, whatever the environment says of others."""
    return load_settings(
        runs=session.store.root,
        cache_dir=session.cache,
        study="",
        host=_HOST,
        read_only=True,
        password=SecretStr(""),
        prefix="",
        frame_ancestors=(),
        allowed_hosts=(),
        proxies=0,
        metrics=False,
        compute="local",
    )
