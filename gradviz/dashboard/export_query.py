"""What an export is asked for by: the body of the request, and the recipe that `gradviz figure` reads."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from gradviz.dashboard.permalink import MOST_COMPARED
from gradviz.dashboard.query import MAX_BODY_BYTES, Drawn, OverFrames, RecipeQuery, from_object
from gradviz.drawing.choices import NARROWEST_IN, WIDEST_IN, Film, Still
from gradviz.errors import UserError
from gradviz.experiment.outside import read_json
from gradviz.landscape.request import Atom

Content = Literal["fields", "multiples", "rose", "matrix"]


class Printed(Atom):
    """How a still picture is laid out, and what it shows."""

    width_in: float | None = Field(
        default=None,
        ge=NARROWEST_IN,
        le=WIDEST_IN,
        description="inches, in print: 3.25 for a column, 5.5 for the text, 6.75 for a page with two columns; without "
        "it the picture is as large as for a screen",
    )
    titles: bool = Field(default=True, description="over each panel what tells it from the others, where `width_in` is")
    letters: bool = Field(default=True, description="a, b, … over up to nine panels, where `width_in` is")
    columns: int | None = Field(default=None, ge=1, le=MOST_COMPARED, description="of panels; by the width without one")
    content: Content = Field(
        default="fields",
        description="`fields`: the panels; of one panel, as the view Minibatches shows it: `multiples`, the fields of "
        "all minibatches, `rose`, their gradients from one point, or `matrix`, the cosines between these",
    )
    part: str = Field(
        default="pair", min_length=1, max_length=200, description="of a `matrix`: `pair`, `model`, a layer or a tensor"
    )


class ExportQuery(RecipeQuery, OverFrames, Drawn, Printed):
    """A view as one file: a still picture (`pdf`, `svg`, `png`), a film (`gif`, `webp`, `mp4`), or a stand-alone page
    (`html`). As a file of its own it is a recipe, which `gradviz figure` reads.

    Films and pages cover all epochs, or all minibatches, that the panels share. Still pictures show each panel at its
    own epoch and minibatch, so that epochs or minibatches lie side by side; the others give their colours the scale.
    The pictures of one view have the same grid. More than three are drawn small.
    """

    kind: Literal["html", Film, Still]
    fixed_lengths: bool = Field(
        default=False, description="lengths, too, compare sizes over all epochs or minibatches, as in Minibatches"
    )
    every: int = Field(default=1, ge=1, le=1000, description="every k-th epoch or minibatch, counted from the first")
    minus: int | None = Field(default=None, ge=0, lt=MOST_COMPARED, description="the panel to subtract from all others")
    per_second: int = Field(default=5, ge=1, le=30, description="speed of a film")
    progress: bool = Field(
        default=False,
        description="answer with a stream that reports progress and ends with the file; closing it ends the work",
    )


def read_recipe(path: Path) -> ExportQuery:
    """The recipe in a file, checked as strictly as a request; `UserError` that names what is wrong with it."""
    told = read_json(path, MAX_BODY_BYTES)
    if not isinstance(told, dict):
        raise UserError(f"{path} holds no recipe, which is one JSON object: take one from the page's Export.")
    [asked] = from_object((ExportQuery,), told, "a recipe")
    return asked


def changed(asked: ExportQuery, **values: object) -> ExportQuery:
    """The recipe with other values, checked like its own."""
    [other] = from_object((ExportQuery,), asked.model_dump() | values, "a recipe")
    return other
