"""Paths that were measured for the evidence: found where `gradviz paths` has kept them, never computed."""

from pathlib import Path

from gradviz.compute.paths import continuation_of, key_of, known
from gradviz.evidence.path_taking import KeptPaths
from gradviz.experiment.device import resolve_device
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import PathsResult

_PAGE_POINTS = (32, 8)
"""As the Paths view asks, of smaller and of larger networks (assets/pure/paths.js)."""


def kept_paths(store: RunStore, directory: Path, device: str = "auto") -> KeptPaths:
    """Those of the runs of `store`, measured on this kind of device and kept in the cache `directory`, by the command
    line or from the Paths view."""
    chosen = resolve_device(device)

    def find(request: PathsRequest) -> PathsResult | None:
        continuation = continuation_of(store, request.run, chosen)
        asked = (request, *(request.model_copy(update={"points": points}) for points in _PAGE_POINTS))
        found = (known(directory, key_of(continuation, each, chosen)) for each in asked)
        return next((each for each in found if each is not None), None)

    return find
