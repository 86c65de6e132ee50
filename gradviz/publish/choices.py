"""What a published site is to hold, as a person chooses it, and as the runs at hand allow it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from gradviz.compute.estimate import POINTS
from gradviz.errors import UserError
from gradviz.landscape.request import WIDTHS, Atom
from gradviz.landscape.scalar import Scalar

_MOST_EPOCHS = 10_000

Pair = tuple[str, str]
How = Literal["eval", "train", "frozen", "averaged"]
HOWS: tuple[How, ...] = ("eval", "train", "frozen", "averaged")
"""How a model is evaluated: eval mode, or train mode with fresh, frozen or averaged masks."""
Part = Literal["biases", "layer", "model"]
PARTS: tuple[Part, ...] = ("biases", "layer", "model")
More = Literal["evidence", "lessons", "scenes", "sampling", "curves"]
MORE: tuple[More, ...] = ("evidence", "lessons", "scenes", "sampling", "curves")
USUAL: tuple[More, ...] = ("evidence", "lessons", "scenes")
"""What a site may hold beside its pictures: verdicts, lessons and scenes with what their views show, sampling
ellipses, curves of agreement."""


class Choices(Atom):
    """`runs`: all if empty; `pairs`: those that the page suggests if empty; `epochs`: all if empty; `minibatches`: how
    many, the first ones; 0 for all. `parts`: whose cosines and measures are in it beside the pairs'. `rows`: with the
    rows of the minibatches, whose texts are data."""

    runs: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    epochs: tuple[int, ...] = ()
    minibatches: int = Field(default=0, ge=0)
    minibatch_size: int = Field(default=64, ge=1, le=1024)
    hows: tuple[How, ...] = Field(default=("eval",), min_length=1)
    parts: tuple[Part, ...] = ()
    more: tuple[More, ...] = USUAL
    rows: bool = False

    @property
    def modes(self) -> list[str]:
        return list(dict.fromkeys(_EVALUATED[how]["mode"] for how in self.hows))

    @property
    def masks(self) -> list[str]:
        """Those of train mode."""
        return [_EVALUATED[how]["masks"] for how in self.hows if "masks" in _EVALUATED[how]]


class RunHeld:
    """What a site holds of one run: `told` is what the server says of it."""

    def __init__(self, told: Mapping[str, Any], choices: Choices) -> None:
        self.name: str = told["run"]
        self.told = told
        if told["cannot"]:
            raise UserError(f"{self.name} cannot be published: {told['cannot']}")
        there = told["epochs"]
        absent = sorted(set(choices.epochs) - set(there))
        if absent:
            raise UserError(f"`--epochs`: {self.name} has no epoch {absent[0]}, only {_range(there)}.")
        self.epochs: list[int] = sorted(choices.epochs) or there
        if not there:
            raise UserError(f"{self.name} has no checkpoint yet: train it first, or leave it out with --run.")
        sizes = told["minibatch_sizes"]
        self.size = str(choices.minibatch_size) if sizes else next(iter(told["minibatches"]))
        if not told["minibatches"].get(self.size, 0):
            known = ", ".join(size for size, count in told["minibatches"].items() if count)
            raise UserError(f"`--minibatch-size`: {self.name} has no minibatches of {self.size} rows, only of {known}.")
        self._most = choices.minibatches
        self.num_minibatches = self.minibatches_of(self.size)
        self.draws_masks = bool((told["capabilities"] or {}).get("draws_masks"))

    def minibatches_of(self, size: str) -> int:
        """How many minibatches of a size there are, as many as are chosen at most."""
        many = self.told["minibatches"].get(size, 0)
        return min(many, self._most or many)

    def has(self, pair: Pair) -> bool:
        """Whether the run's model has these parameters."""
        try:
            for name in pair:
                Scalar.parse(name).check(self.told["shapes"])
        except UserError:
            return False
        return True

    def settings(self, hows: Sequence[How]) -> list[dict[str, str]]:
        """The mode, and where masks are drawn the masks, as the page asks for them."""
        if self.draws_masks:
            return [_EVALUATED[how] | ({} if how == "eval" else {"seed": "0"}) for how in hows]
        modes = dict.fromkeys(_EVALUATED[how]["mode"] for how in hows)
        return [{"mode": mode} for mode in modes]

    def selection(self, pair: Pair, evaluated: Mapping[str, str]) -> dict[str, str]:
        """What the page asks all pictures of a plane by."""
        plane = {"half_width": f"{WIDTHS['parameters']}", "points": f"{POINTS}"}
        return {"run": self.name, "x": pair[0], "y": pair[1], "minibatch_size": self.size, **evaluated, **plane}


_EVALUATED: Mapping[How, dict[str, str]] = {
    "eval": {"mode": "eval"},
    "train": {"mode": "train", "masks": "fresh"},
    "frozen": {"mode": "train", "masks": "frozen"},
    "averaged": {"mode": "train", "masks": "averaged"},
}


def _range(epochs: Sequence[int]) -> str:
    return f"{epochs[0]} to {epochs[-1]}" if len(epochs) > 1 else ", ".join(map(str, epochs)) or "none"


def read_epochs(text: str) -> tuple[int, ...]:
    """Epochs as `0,5,10-30` names them; none of `all`. UserError for anything else."""
    if text == "all":
        return ()
    epochs: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            begin, end = int(first), int(last) if dash else int(first)
        except ValueError:
            begin, end = 0, -1
        if not 0 <= begin <= end < _MOST_EPOCHS:
            raise UserError(f"`--epochs` takes all, or epochs such as 0,5,10-30, got {text[:40]!r}.")
        epochs += range(begin, end + 1)
    return tuple(dict.fromkeys(epochs))


def held_runs(runs: Mapping[str, Mapping[str, Any]], choices: Choices) -> list[RunHeld]:
    """The chosen runs, in the server's order; UserError if one is not there."""
    absent = [name for name in choices.runs if name not in runs]
    if absent or not runs:
        known = ", ".join(runs) or "none of them yet: start `gradviz train`"
        raise UserError(f"`--run`: there is no run {', '.join(absent) or 'at all'}, only {known}.")
    return [RunHeld(told, choices) for name, told in runs.items() if not choices.runs or name in choices.runs]
