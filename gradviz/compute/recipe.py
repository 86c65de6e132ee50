"""Shell commands and Python that reproduce landscapes."""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradviz.compute.workbench import draws_masks
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import SHIPPED
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest, LandscapeSpec
from gradviz.landscape.composed import rows_text

_FIRST = ("run", "epoch")
_RANDOM = ("masks", "num_masks", "seed")
_NAMES_OF_STUDIES = tuple(name for name in LandscapeRequest.model_fields if name != "minibatch_size")
"""Their minibatches have the size that they were recorded with."""
_OWN_MINIBATCHES = ("minibatch", "minibatch_size")


def file_name(request: LandscapeRequest) -> str:
    """A name (without suffix) that distinguishes the requests of one view, such as
    `none-epoch-12-minibatch-0-hidden.1.linear.bias-0`."""
    first = re.sub(r"[^A-Za-z0-9._-]", "-", request.x.rstrip("]"))
    return f"{request.run}-epoch-{request.epoch}-{request.minibatch_words.replace(' ', '-')}-{first}"


def command_lines(requests: Sequence[LandscapeRequest], store: RunStore, place: Path, seen_from: str = "") -> str:
    """One `gradviz landscape` line for each, quoted for a POSIX shell, with every value and no defaults.

    `place`: where the user finds the runs of `store`. `seen_from`: the camera of surfaces; with it each is a page with
    its surface, without it a file of numbers.
    """
    drawn = ["--under", "surface", f"--camera={seen_from}"] if seen_from else []
    lines = [
        command_line(
            request,
            f"{file_name(request)}.{'html' if drawn else 'npz'}",
            is_random=_is_random(request, store),
            place=place,
            study=_study_of(request, store),
            drawn=drawn,
        )
        for request in requests
    ]
    return "".join(f"{line}\n" for line in lines)


def command_line(
    request: LandscapeRequest,
    out: str,
    *,
    is_random: bool,
    place: Path | None = None,
    study: str = "",
    drawn: Sequence[str] = (),
) -> str:
    """One such line, which writes the file `out`. `is_random`: masks are drawn; without a `place` the runs are where
    the settings say; `study`: its name on the command line, for a run of another study; `drawn`: how to draw it."""
    words = ["gradviz", "landscape", *(["--study", study] if study else [])]
    names = LandscapeRequest.model_fields if not study else _NAMES_OF_STUDIES
    for name, value in _told(request, names, is_random):
        words += [f"--{name.replace('_', '-')}", rows_text(value) if isinstance(value, list) else str(value)]
    return shlex.join([*words, *(["--runs", str(place)] if place else []), *drawn, "--out", out])


def python_text(requests: Sequence[LandscapeRequest], store: RunStore, place: Path) -> str:
    """A program that computes the landscapes into a list, `fields`, in this order."""
    studies = [study for study in (_study_of(request, store) for request in requests) if study]
    if studies or any(request.has_directions for request in requests):
        return _text_of_any(requests, store, place, next((each for each in studies if each not in SHIPPED), ""))
    lines = [
        "from gradviz.experiment.store import RunStore",
        "from gradviz.landscape import LandscapeSpec, gradient_landscape",
        "",
        f"store = RunStore({str(place)!r})",
        "fields = []",
    ]
    for request in requests:
        told = _told(request, LandscapeSpec.model_fields, _is_random(request, store))
        spec = ", ".join(f"{name}={value!r}" for name, value in told)
        lines += [
            "",
            f"run = store.run({request.run!r})",
            f"minibatch = run.{_minibatch(request)}",
            f"spec = LandscapeSpec({spec})",
            f"model = run.model({request.epoch})",
            "fields.append(gradient_landscape(model, minibatch.inputs_BI, minibatch.targets_B, spec))",
        ]
    return "\n".join([*lines, *_END])


def _minibatch(request: LandscapeRequest) -> str:
    if request.rows is not None:
        return f"rows_batch({list(request.rows)})"
    return f"minibatch({request.minibatch}, {request.minibatch_size})"


_END = ("", "fields[0].u, fields[0].v, fields[0].loss  # (Y, X) each", "")


def _text_of_any(requests: Sequence[LandscapeRequest], store: RunStore, place: Path, study: str) -> str:
    """The same for runs of any study; `study`: the one to load, unless all of them ship."""
    loaded = f", load_study({study!r})" if study else ""
    lines = [
        "from gradviz.compute.workbench import Workbench",
        "from gradviz.experiment.store import RunStore",
        *(["from gradviz.experiment.study_loading import load_study"] if study else []),
        "from gradviz.landscape import LandscapeRequest",
        "",
        f"bench = Workbench(RunStore({str(place)!r}{loaded}))",
        "fields = []",
        "",
    ]
    for request in requests:
        names = _NAMES_OF_STUDIES if _study_of(request, store) else LandscapeRequest.model_fields
        told = _told(request, names, _is_random(request, store))
        values = ", ".join(f"{name}={value!r}" for name, value in told)
        lines.append(f"fields.append(bench.landscape(LandscapeRequest({values})))")
    return "\n".join([*lines, *_END])


def _study_of(request: LandscapeRequest, store: RunStore) -> str:
    """The name by which a user's program loads the run's study, without the directory if its file's path is absolute;
    "" for runs that need none."""
    run = store.any_run(request.run)
    if not isinstance(run, StudyRun):
        return ""
    name = run.loaded_as
    return name.rpartition("/")[2] if name.startswith("/") else name


def _is_random(request: LandscapeRequest, store: RunStore) -> bool:
    return draws_masks(store.any_run(request.run), request)


def _told(request: LandscapeRequest, names: Iterable[str], is_random: bool) -> list[tuple[str, object]]:
    """The named values of a request, without those of masks if it draws none; of a minibatch its number or its rows."""
    left_out = {name for name in _RANDOM if not is_random}
    if request.rows is None:
        left_out.add("rows")
    else:  # the size of the others makes directions alone
        left_out.update(_OWN_MINIBATCHES if not request.has_directions else ("minibatch",))
    ordered = sorted((name for name in names if name not in left_out), key=lambda name: name not in _FIRST)
    values = ((name, getattr(request, name)) for name in ordered)
    return [(name, list(value) if isinstance(value, tuple) else value) for name, value in values]
