"""The whole view as a query string, and back; an unusable part of a link becomes a notice, never an error."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, field_validator

from gradviz.compute.probe_settings import DEFAULT_START, start_text
from gradviz.dashboard.viewfields import FIELDS
from gradviz.drawing.camera import camera_text
from gradviz.drawing.choices import Direction, Length, Under
from gradviz.errors import UserError, one_line
from gradviz.experiment.names import OfRun, RunName
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.landscape.composed import RowNumbers, rows_text
from gradviz.landscape.directions.axis import axis_text, is_direction
from gradviz.landscape.paths.request import CONDITIONS, DEFAULT_CONDITIONS, DEFAULT_REPLICAS, MOST_REPLICAS, Condition
from gradviz.landscape.probe import DEFAULT_STEPS, MOST_STEPS
from gradviz.landscape.request import MAX_MINIBATCH_SIZE, Masks, Mode
from gradviz.landscape.scalar import Scalar

ViewName = Literal["explore", "compare", "minibatches", "paths", "evidence", "training"]
Range = Literal["epochs", "frame"]
Part = Literal["pair", "biases", "layer", "model"]
Scales = Literal["locked", "free"]
Overlay = Literal["path", "spread", "sampling", "probe"]

StartText = Annotated[str, AfterValidator(start_text)]
"""Where a probe begins, in half widths from the checkpoint."""

CameraText = Annotated[str, AfterValidator(camera_text)]
"""From where a surface is seen, in its one text."""
Curves = Literal["off", "agreement"]
Seeds = Literal["single", "grouped"]
SidePanel = Literal["off", "rows", "rows-2", "rows-3"]
"""What is open beside a picture: the rows of the first one, of the second, or of the third."""

Present = Literal["off", "on"]
"""Whether the view is shown to an audience: larger, without controls beside it."""
Side = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}(~(fresh|frozen|averaged))?$")]
"""A run in Compare; with `~`, under such masks instead of the view's."""

MOST_COMPARED = 64
_MAX_PARTS = 100
_MOST_SUGGESTED = 3
_NAMES = {field.key: name for name, field in FIELDS.items()} | {"run": "run"}


class View(OfRun):
    """All choices of the page. None means: what the runs suggest (the newest epoch, followed while training; a
    pair of each of two layers; the half width of each plane by its axes; the points of its grid by what they cost;
    surfaces seen from the front).
    `x_a`, `y_a`: the axes of the left picture; `x_b`, `y_b`: of the right; `camera`: from where surfaces are seen.
    `rows`: those of a composed minibatch, which is then shown instead of `minibatch`.
    `minus`: the run whose field Compare subtracts from the others; `show`: overlays on the arrows; `start` (in half
    widths from the checkpoint), `rate` (None: of each picture its own), `steps`: of the probe's paths;
    `metric`: the family of curves over the epochs, empty for the losses; `curves`: those under them; `seeds`: whether
    curves of one configuration's seeds are drawn as one, with their spread; `conditions`, `replicas`, `optimizer`,
    `rate_factor`: of the paths that training takes, as their request names them; `x_fan`, `y_fan`: the axes of the
    plane in which these are drawn, both or none; `lesson`, `step`: what is told beside the pictures, "" for none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    view: ViewName = "explore"
    run: RunName = DEFAULT_NAMES[0]
    compared: tuple[Side, ...] = Field(default=DEFAULT_NAMES, min_length=1, max_length=MOST_COMPARED)
    epoch: int | None = Field(default=None, ge=0, lt=10_000)
    x_a: str | None = None
    y_a: str | None = None
    x_b: str | None = None
    y_b: str | None = None
    minibatch: int = Field(default=0, ge=0, lt=1_000_000)
    minibatch_size: int = Field(default=64, ge=1, le=MAX_MINIBATCH_SIZE)
    rows: RowNumbers | None = None
    part: Part = "pair"
    mode: Mode = "eval"
    masks: Masks = "fresh"
    seed: int = Field(default=0, ge=0, lt=2**32)
    half_width: float | None = Field(default=None, gt=0, le=100)
    points: int | None = Field(default=None, ge=3, le=201)
    under: Under = "heat"
    camera: CameraText | None = None
    length: Length = "compressed"
    range: Range = "epochs"
    direction: Direction = "ascent"
    scales: Scales = "locked"
    minus: str = Field(default="off", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    show: tuple[Overlay, ...] = ()
    start: StartText = DEFAULT_START
    rate: float | None = Field(default=None, gt=0, le=1e12)
    steps: int = Field(default=DEFAULT_STEPS, ge=1, le=MOST_STEPS)
    curves: Curves = "off"
    metric: str = Field(default="", max_length=80)
    seeds: Seeds = "single"
    panel: SidePanel = "off"
    present: Present = "off"
    conditions: tuple[Condition, ...] = Field(default=DEFAULT_CONDITIONS, min_length=1)
    replicas: int = Field(default=DEFAULT_REPLICAS, ge=2, le=MOST_REPLICAS)
    optimizer: Literal["own", "sgd"] = "own"
    rate_factor: float = Field(default=1.0, gt=0, le=1e6)
    x_fan: str | None = None
    y_fan: str | None = None
    lesson: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$")
    step: int = Field(default=1, ge=1, le=99)

    @field_validator("compared", "show", "conditions", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("conditions")
    @classmethod
    def _in_order(cls, value: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(each for each in CONDITIONS if each in value)

    @field_validator("x_a", "y_a", "x_b", "y_b", "x_fan", "y_fan")
    @classmethod
    def _axis(cls, value: str | None) -> str | None:
        return None if value is None else axis_text(value)

    @field_validator("points")
    @classmethod
    def _odd(cls, value: int | None) -> int | None:
        if value is not None and value % 2 == 0:
            raise ValueError(
                f"`points` must be odd and in [3, 201], got {value}: the centre arrow needs a middle point."
            )
        return value


def write(view: View) -> str:
    """The query string (with its `?`) of a view, without defaults, so `""` is the plain page."""
    default = View()
    pairs = [
        (field.key, _text(value))
        for name, field in FIELDS.items()
        if (value := getattr(view, name)) != getattr(default, name)
    ]
    return "?" + urlencode(pairs, safe="[],.:@/") if pairs else ""


def _text(value: object) -> str:
    if not isinstance(value, tuple):
        return f"{value}"
    return ",".join(value) if all(isinstance(each, str) for each in value) else rows_text(value)


def read(search: str) -> tuple[View, list[str]]:
    """The view of a query string, and one sentence for each unusable key, which is ignored."""
    notices, values = [], {}
    try:
        parts = parse_qsl(search.removeprefix("?"), keep_blank_values=True, max_num_fields=_MAX_PARTS)
    except ValueError:
        return View(), [f"The link has more than {_MAX_PARTS} parts and is ignored."]
    for key, value in parts:
        name = _NAMES.get(key)
        if name is None:
            notices.append(f"Unknown link parameter `{key[:40]}` ignored.")
            continue
        try:
            View.model_validate({name: value})
        except (ValidationError, UserError) as error:
            reason = one_line(error) if isinstance(error, ValidationError) else str(error)
            notices.append(f"The link's `{key}` is ignored: {reason}")
            continue
        values[name] = value
    return View.model_validate(values), notices


def settle(view: View, runs: Mapping[str, dict]) -> tuple[View, list[str]]:
    """The view adapted to these runs (`overview.runs_of`), and a sentence for each change."""
    if not runs:
        return view, []
    notices, changes = [], {}
    if view.run not in runs:
        changes["run"] = next((name for name, each in runs.items() if not each["cannot"]), next(iter(runs)))
        if view.run != View().run:
            notices.append(f"There is no run `{view.run}`: showing {changes['run']} instead.")
    run = runs[changes.get("run", view.run)]
    compared, notice = _compared(view.compared, run, runs)
    changes["compared"] = compared
    notices += notice
    for x, y, side in (("x_a", "y_a", "a"), ("x_b", "y_b", "b")):
        pair, notice = _pair(getattr(view, x), getattr(view, y), side, run)
        changes |= {x: pair[0], y: pair[1]}
        notices += notice
    if (view.x_fan is None) != (view.y_fan is None) or view.x_fan == view.y_fan is not None:
        changes |= {"x_fan": None, "y_fan": None}
        notices.append("The link's plane of the paths needs two axes: showing the principal plane of their ends.")
    size, notice = _size(view.minibatch_size, run)
    changes["minibatch_size"] = size
    notices += notice
    if view.epoch is not None and run["epochs"] and view.epoch not in run["epochs"]:
        nearest = min(run["epochs"], key=lambda epoch: abs(epoch - view.epoch))
        changes["epoch"] = nearest
        notices.append(f"{run['run']} has no epoch {view.epoch}: showing epoch {nearest} instead.")
    return view.model_copy(update=changes), notices


def _compared(asked: tuple[str, ...], run: dict, runs: Mapping[str, dict]) -> tuple[tuple[str, ...], list[str]]:
    """The named sides whose runs exist or, being the usual ones, may appear soon; if none exists, or none was named,
    those of the shown run's study, at most three."""
    coming = DEFAULT_NAMES if any(_is_usual(each) for each in runs.values()) else ()
    found = tuple(side for side in asked if run_of(side) in runs or run_of(side) in coming)
    absent = [run_of(side) for side in asked if side not in found and run_of(side) not in DEFAULT_NAMES]
    notices = [f"There is no run `{absent[0]}`: comparing without it."] if absent else []
    if {run_of(side) for side in found} & set(runs) and (asked != DEFAULT_NAMES or _is_usual(run)):
        return found, notices
    alike = [name for name, each in runs.items() if each["study"] == run["study"]]
    return tuple(alike[:_MOST_SUGGESTED]), notices


def run_of(side: str) -> str:
    """The run of a side of Compare."""
    return side.partition("~")[0]


def _is_usual(run: dict) -> bool:
    return run["study"] == OWN_STUDY


def _size(asked: int, run: dict) -> tuple[int, list[str]]:
    """The size of minibatches: the one asked for, if this run has such."""
    if not run["minibatch_sizes"]:
        recorded = View().minibatch_size
        notice = f"{run['run']} was recorded with its minibatches: their size cannot be chosen."
        return recorded, [notice] if asked != recorded else []
    sizes = [int(size) for size, many in run["minibatches"].items() if many]
    if asked <= run["train_rows"] or not sizes:
        return asked, []
    notice = (
        f"{run['run']} has {run['train_rows']} training rows, fewer than a minibatch of {asked}: showing minibatches "
        f"of {max(sizes)} instead."
    )
    return max(sizes), [notice] if asked != View().minibatch_size else []


def _pair(x: str | None, y: str | None, side: str, run: dict) -> tuple[tuple[str | None, str | None], list[str]]:
    if run["suggested"] is None:  # nothing is known of the model, or it has one parameter
        return (x, y), []
    default = tuple(run["suggested"][side])
    if x is None and y is None:
        return default, []
    pair = (x or default[0], y or default[1])
    try:
        for axis in pair:
            if not is_direction(axis):  # whether a checkpoint has a direction, its picture says
                Scalar.parse(axis).check(run["shapes"])
    except UserError as error:
        return default, [f"{error} The picture shows {default[0]} and {default[1]} instead."]
    if pair[0] == pair[1]:
        shown = f"the picture shows {default[0]} and {default[1]} instead"
        return default, [f"The link pairs {pair[0]} with itself: {shown}."]
    return pair, []
