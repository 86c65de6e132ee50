"""The name of an axis of a plane, one text for links, command lines, caches and pictures: one parameter, or a direction
in parameter space."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from gradviz.errors import UserError, shown
from gradviz.experiment.names import is_run_name
from gradviz.landscape.scalar import Scalar, parameter_text

MAX_SEED, MAX_EPOCH, MAX_MINIBATCH, MAX_NUMBER = 2**32, 10_000, 1_000_000, 100

_AS_A_STEP = "as long as the last recorded step"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
_PREFIX = re.compile(r"[^\s\[\],;@:]{1,200}")
_FORMS = (
    "random:SEED, random-all:SEED, gradient:MINIBATCH, gradient:mean, step, towards:RUN/EPOCH, pca:NUMBER, "
    "hessian:NUMBER or a parameter such as conv1.weight[3,0,1,2]"
)


@dataclass(frozen=True)
class Random:
    """A Gaussian vector of a seed, as large as the weights themselves (filter normalization, Li et al. 2018,
    arXiv:1712.09913, section 4); biases and norms do not move, except with `moves_all`."""

    seed: int
    moves_all: bool = False
    prefix: str = ""

    @property
    def words(self) -> str:
        return f"random direction {self.seed}{_more(self)}"

    @property
    def one(self) -> str:
        return "as large as the weights"

    def __str__(self) -> str:
        return f"random{'-all' if self.moves_all else ''}:{self.seed}{_at(self.prefix)}"


@dataclass(frozen=True)
class Gradient:
    """The gradient of a minibatch at the checkpoint, or of the mean over all minibatches (None)."""

    minibatch: int | None
    prefix: str = ""

    @property
    def words(self) -> str:
        whose = "the mean gradient" if self.minibatch is None else f"the gradient of minibatch {self.minibatch}"
        return f"{whose}{_within(self.prefix)}"

    @property
    def one(self) -> str:
        return _AS_A_STEP

    def __str__(self) -> str:
        return f"gradient:{'mean' if self.minibatch is None else self.minibatch}{_at(self.prefix)}"


@dataclass(frozen=True)
class Step:
    """The step that training took to the checkpoint from the recorded one before it."""

    prefix: str = ""

    @property
    def words(self) -> str:
        return f"the last step{_within(self.prefix)}"

    @property
    def one(self) -> str:
        return "that step"

    def __str__(self) -> str:
        return f"step{_at(self.prefix)}"


@dataclass(frozen=True)
class Towards:
    """To another checkpoint, of this or another run with the same shapes."""

    run: str
    epoch: int

    @property
    def words(self) -> str:
        return f"the way to epoch {self.epoch} of {self.run}"

    @property
    def one(self) -> str:
        return "that checkpoint"

    def __str__(self) -> str:
        return f"towards:{self.run}/{self.epoch}"


@dataclass(frozen=True)
class Principal:
    """A principal component of the run's recorded path, counted from 1."""

    number: int

    @property
    def words(self) -> str:
        return f"principal component {self.number} of the path"

    @property
    def one(self) -> str:
        return "the path's standard deviation along it"

    def __str__(self) -> str:
        return f"pca:{self.number}"


@dataclass(frozen=True)
class Curvature:
    """An eigenvector of the Hessian of the minibatch's loss, by the eigenvalue's magnitude, counted from 1."""

    number: int

    @property
    def words(self) -> str:
        return f"eigenvector {self.number} of the Hessian"

    @property
    def one(self) -> str:
        return _AS_A_STEP

    def __str__(self) -> str:
        return f"hessian:{self.number}"


Direction = Random | Gradient | Step | Towards | Principal | Curvature
Axis = Scalar | Direction


@lru_cache(maxsize=4096)
def parse_axis(text: str) -> Axis:
    """Reads the name of an axis, of which `str` gives the one text; `UserError` names what is wrong, and the forms."""
    compact = text.replace(" ", "")
    body, at, prefix = compact.partition("@")
    kind, colon, value = body.partition(":")
    if kind not in _KINDS or not (colon or kind == "step"):
        return _parameter(text)
    if at and not _PREFIX.fullmatch(prefix):
        raise UserError(f"`{shown(text)}`: after `@` comes the beginning of parameters' names, such as hidden.1.")
    if at and kind not in _WITH_PREFIX:
        raise UserError(f"`{shown(text)}`: {kind} takes no `@`: it is of all parameters.")
    return _KINDS[kind](text, colon + value if kind == "step" else value, prefix)


def axis_text(text: str) -> str:
    """The one text of an axis; `UserError` if it is none."""
    return str(parse_axis(text))


def axis_words(text: str) -> str:
    """What an axis is called: a parameter's name, or a direction in words; `UserError` if it is none."""
    axis = parse_axis(text)
    return str(axis) if isinstance(axis, Scalar) else axis.words


def pair_words(x: str, y: str) -> str:
    """What the plane of two axes is called, at least one of them a direction: two of a kind by one name."""
    a, b = parse_axis(x), parse_axis(y)
    names = next((name(a, b) for kind, name in _PAIRS.items() if isinstance(a, kind) and isinstance(b, kind)), None)
    return names or f"{axis_words(x)} × {axis_words(y)}"


def one_words(x: str, y: str) -> str:
    """What 1 is along both axes of such a plane, whatever the checkpoint; of one that is known, `told` says more."""
    axis = parse_axis(x)
    one = "1 in its own unit" if isinstance(axis, Scalar) else axis.one
    return f"x = 1 is {one}, y = 1 as long as x = 1"


def is_direction(text: str) -> bool:
    """Whether this names a direction: neither a single parameter nor something else."""
    try:
        return not isinstance(parse_axis(text), Scalar)
    except UserError:
        return False


def _parameter(text: str) -> Axis:
    if ":" in text or "@" in text:
        raise UserError(f"`{shown(text)}` is not the name of an axis: write {_FORMS}.")
    return Scalar.parse(parameter_text(text))


def _random(text: str, value: str, prefix: str, *, moves_all: bool = False) -> Axis:
    return Random(_number(text, value, "a seed", 0, MAX_SEED - 1), moves_all, prefix)


def _gradient(text: str, value: str, prefix: str) -> Axis:
    if value == "mean":
        return Gradient(None, prefix)
    return Gradient(_number(text, value, "`mean` or a minibatch", 0, MAX_MINIBATCH - 1), prefix)


def _step(text: str, value: str, prefix: str) -> Axis:
    if value:
        raise UserError(f"`{shown(text)}`: step takes no number: it is the step to the checkpoint.")
    return Step(prefix)


def _towards(text: str, value: str, prefix: str) -> Axis:
    run, slash, epoch = value.partition("/")
    if not slash or not is_run_name(run):
        raise UserError(f"`{shown(text)}`: write towards:RUN/EPOCH, such as towards:none/30.")
    return Towards(run, _number(text, epoch, "an epoch", 0, MAX_EPOCH - 1))


def _principal(text: str, value: str, prefix: str) -> Axis:
    return Principal(_number(text, value, "a component", 1, MAX_NUMBER))


def _curvature(text: str, value: str, prefix: str) -> Axis:
    return Curvature(_number(text, value, "an eigenvector", 1, MAX_NUMBER))


def _number(text: str, value: str, what: str, low: int, high: int) -> int:
    if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise UserError(f"`{shown(text)}`: {what} must be a whole number in [{low}, {high}], got {shown(repr(value))}.")
    return int(value)


def _more(axis: Random) -> str:
    return f"{' with biases and norms' if axis.moves_all else ''}{_within(axis.prefix)}"


def _within(prefix: str) -> str:
    return f" within {prefix}" if prefix else ""


def _at(prefix: str) -> str:
    return f"@{prefix}" if prefix else ""


_KINDS = {
    "random": _random,
    "random-all": partial(_random, moves_all=True),
    "gradient": _gradient,
    "step": _step,
    "towards": _towards,
    "pca": _principal,
    "hessian": _curvature,
}
_PAIRS: dict[type, Callable[[Any, Any], str | None]] = {
    Random: lambda a, b: (
        f"random directions {a.seed} × {b.seed}{_more(a)}"
        if (a.prefix, a.moves_all) == (b.prefix, b.moves_all)
        else None
    ),
    Principal: lambda a, b: f"principal components {a.number} × {b.number} of the path",
    Curvature: lambda a, b: f"eigenvectors {a.number} × {b.number} of the Hessian",
}
_WITH_PREFIX = {"random", "random-all", "gradient", "step"}
