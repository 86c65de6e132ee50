"""Shell commands and Python that reproduce landscapes."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradviz.landscape import LandscapeRequest, LandscapeSpec

_FIRST = ("run", "epoch")
_RANDOM = ("masks", "num_masks", "seed")


def file_name(request: LandscapeRequest) -> str:
    """A name (without suffix) that distinguishes the requests of one view, such as
    `none-epoch-12-minibatch-0-hidden.1.linear.bias-0`."""
    first = request.x.replace("[", "-").replace(",", "-").rstrip("]")
    return f"{request.run}-epoch-{request.epoch}-minibatch-{request.minibatch}-{first}"


def command_lines(requests: Sequence[LandscapeRequest], runs: Path) -> str:
    """One `gradviz landscape` line for each, quoted for a POSIX shell, with every value and no defaults."""
    return "".join(shlex.join(_words(request, runs)) + "\n" for request in requests)


def python_text(requests: Sequence[LandscapeRequest], runs: Path) -> str:
    """A program that computes the landscapes into a list, `fields`, in this order."""
    lines = [
        "from gradviz.experiment.store import RunStore",
        "from gradviz.landscape import LandscapeSpec, gradient_landscape",
        "",
        f"store = RunStore({str(runs)!r})",
        "fields = []",
    ]
    for request in requests:
        spec = ", ".join(f"{name}={value!r}" for name, value in _told(request, LandscapeSpec.model_fields))
        lines += [
            "",
            f"run = store.run({request.run!r})",
            f"minibatch = run.minibatch({request.minibatch}, {request.minibatch_size})",
            f"spec = LandscapeSpec({spec})",
            f"model = run.model({request.epoch})",
            "fields.append(gradient_landscape(model, minibatch.inputs_BI, minibatch.targets_B, spec))",
        ]
    return "\n".join([*lines, "", "fields[0].u, fields[0].v, fields[0].loss  # (Y, X) each", ""])


def _words(request: LandscapeRequest, runs: Path) -> list[str]:
    words = ["gradviz", "landscape"]
    for name, value in _told(request, LandscapeRequest.model_fields):
        words += [f"--{name.replace('_', '-')}", str(value)]
    return [*words, "--runs", str(runs), "--out", f"{file_name(request)}.npz"]


def _told(request: LandscapeRequest, names: Iterable[str]) -> list[tuple[str, object]]:
    """What is said of a request: without dropout nothing is random."""
    is_random = request.mode == "train" and request.run == "dropout"
    ordered = sorted(names, key=lambda name: name not in _FIRST)
    return [(name, getattr(request, name)) for name in ordered if is_random or name not in _RANDOM]
