"""Paths that were measured for the evidence: found where `gradviz paths` has kept them, never computed."""

from pathlib import Path

from gradviz.compute.paths import continuation_of, kept_key, known
from gradviz.evidence.path_taking import KeptPaths
from gradviz.experiment.device import resolve_device
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import PathsResult


def kept_paths(store: RunStore, directory: Path, device: str = "auto") -> KeptPaths:
    """Those of the runs of `store`, measured on this kind of device and kept in the cache `directory`, by the command
    line or from the Paths view."""
    chosen = resolve_device(device)

    def find(request: PathsRequest) -> PathsResult | None:
        continuation = continuation_of(store, request.run, chosen)
        key = kept_key(directory, store, continuation, request, chosen)
        return None if key is None else known(directory, key)

    return find
