"""What all exports have in common: their steps, their file and its name, and what may be asked for."""

from dataclasses import dataclass
from time import monotonic

from gradviz.dashboard.export_query import ExportQuery
from gradviz.drawing.camera import Camera
from gradviz.drawing.choices import STILLS
from gradviz.drawing.grid import MOST_LARGE
from gradviz.drawing.inks import palette_of
from gradviz.drawing.look import Look
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape.request import LandscapeRequest

MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Step:
    """Progress: `done` of `total` steps, and what the current one does."""

    done: int
    total: int
    doing: str


@dataclass(frozen=True)
class ExportFile:
    """The result of the work. `notes`: sentences on what is not in it; `caption`: the conditions of a still picture."""

    name: str
    kind: str
    content: bytes
    notes: tuple[str, ...] = ()
    caption: str = ""


def deadline() -> float:
    """On the monotonic clock."""
    return monotonic() + MOST_SECONDS


def step_of(done: int, total: int, doing: str, until: float) -> Step:
    """`UserError` once the work has taken too long; `until`: its deadline."""
    if monotonic() > until:
        raise UserError(f"Export exceeded {MOST_SECONDS:.0f} s: retry (finished frames are cached), or export less.")
    return Step(done, total, doing)


def check_panels(asked: ExportQuery) -> None:
    """`UserError` for panels that do not go together."""
    if asked.minus is not None and any(panel.has_directions for panel in asked.panels):
        raise UserError("Along directions each run has a plane of its own, and no difference: leave out `minus`.")
    if asked.minus is not None and asked.minus >= len(asked.panels):
        raise UserError(f"`minus` must be one of the panels, 0..{len(asked.panels) - 1}, got {asked.minus}.")
    for panel in asked.panels:
        asked.check(panel)


def there(panel: LandscapeRequest, asked: ExportQuery, store: RunStore) -> list[int]:
    """The epochs or minibatches that a panel's run has."""
    run = store.any_run(panel.run)
    return list(run.epochs() if asked.over == "epochs" else range(run.num_minibatches(panel.minibatch_size)))


def shared_indices(asked: ExportQuery, store: RunStore) -> list[int]:
    """Those that all panels have."""
    first, *others = (there(panel, asked, store) for panel in asked.panels)
    return sorted(set(first).intersection(*others))


def look_of(asked: ExportQuery) -> Look:
    """Of a picture or a film."""
    palette = palette_of(asked.scheme, asked.colours)
    return Look(palette, asked.length, asked.under, asked.direction, Camera.parse(asked.camera))


def labels_of(asked: ExportQuery, store: RunStore) -> list[str]:
    """What the page calls the run of each panel, with its masks where one run is under several."""
    masks = {
        run: {each.masks for each in asked.panels if each.run == run} for run in {each.run for each in asked.panels}
    }
    titles = [store.any_run(panel.run).title for panel in asked.panels]
    return [
        f"{title}, {panel.masks} masks" if len(masks[panel.run]) > 1 else title
        for title, panel in zip(titles, asked.panels, strict=True)
    ]


def names_of(asked: ExportQuery, store: RunStore) -> list[str]:
    """What each picture is called: its run, and which one is subtracted from it."""
    labels = labels_of(asked, store)
    if asked.minus is None:
        return labels
    return [f"{label} − {labels[asked.minus]}" if k != asked.minus else label for k, label in enumerate(labels)]


def export_name(asked: ExportQuery) -> str:
    """The file's."""
    first = asked.panels[0]
    runs = list(dict.fromkeys(panel.run for panel in asked.panels))
    variants = "-".join(runs) if len(runs) <= MOST_LARGE else f"{len(runs)}-runs"
    minibatch = first.minibatch_words.replace(" ", "-")
    minus = "" if asked.minus is None else f"-minus-{asked.panels[asked.minus].run}"
    if asked.kind in STILLS:
        return f"{variants}{minus}-{_shown(asked, minibatch)}.{asked.kind}"
    fixed = minibatch if asked.over == "epochs" else f"epoch-{first.epoch}"
    return f"{variants}{minus}-{fixed}-over-{asked.over}.{asked.kind}"


def _shown(asked: ExportQuery, minibatch: str) -> str:
    """Which epochs and minibatches a still picture shows."""
    epochs = sorted({panel.epoch for panel in asked.panels})
    span = "-to-".join(dict.fromkeys((f"{epochs[0]}", f"{epochs[-1]}")))
    if asked.content != "fields":
        return f"epoch-{span}-{asked.content}"
    many = len({panel.which_rows for panel in asked.panels})
    return f"epoch-{span}-{minibatch if many == 1 else f'{many}-minibatches'}"
