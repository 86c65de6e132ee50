"""How a picture may be drawn, by name; imports nothing, so that the command line can name the choices at once."""

from typing import Literal, get_args

Under = Literal["none", "heat", "contour", "surface"]
"""`surface`: not under the arrows, but as a surface in space that carries them."""

Length = Literal["compressed", "true", "unit"]
Direction = Literal["ascent", "descent"]
Scheme = Literal["light", "dark"]

Colours = Literal["viridis", "okabe-ito", "grey"]
"""Of arrows, marks and curves: `okabe-ito` for colour-blind readers, `grey` for print without colours. In all of them a
larger gradient is darker on white paper, so that a grey copy still tells sizes."""

Still = Literal["png", "svg", "pdf"]
Film = Literal["gif", "webp", "mp4"]

STILLS: tuple[Still, ...] = get_args(Still)
FILMS: tuple[Film, ...] = get_args(Film)
UNDER: tuple[Under, ...] = get_args(Under)
LENGTHS: tuple[Length, ...] = get_args(Length)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
COLOURS: tuple[Colours, ...] = get_args(Colours)

WIDTHS_IN = {"column": 3.25, "text": 5.5, "page": 6.75}
"""Inches: of a column of two, of the text of a page with one, and of a page with two columns."""

NARROWEST_IN, WIDEST_IN = 2.0, 20.0


def still_kind(kind: str) -> Still:
    """The kind of a still picture, by its name, of which there is one."""
    return next(each for each in STILLS if each == kind)


def film_kind(kind: str) -> Film:
    """The kind of a film, by its name, of which there is one."""
    return next(each for each in FILMS if each == kind)
