"""The blocks of a report, before they are HTML or Markdown: headings, text, quotations, tables, pictures, links."""

from dataclasses import dataclass

from gradviz.evidence.verdict import Figure


@dataclass(frozen=True)
class Heading:
    """`level` 1 is the title. Links point at `anchor`."""

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Quote:
    """The source's own words."""

    text: str


@dataclass(frozen=True)
class Ruling:
    """A verdict in a few words, with its rule."""

    kind: str
    tone: str
    """good, part, bad, artefact or unknown: how it is coloured."""
    rule: str


@dataclass(frozen=True)
class Conclusion:
    """What the numbers say of a claim, in a sentence."""

    text: str


@dataclass(frozen=True)
class Bars:
    """Numbers with their intervals against what a rule asks: drawn on the HTML page, as text in Markdown's tables."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    """Cells are plain text; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture by its key: interactive on the HTML page, still in the Markdown file."""

    key: str
    caption: str


@dataclass(frozen=True)
class Link:
    """A view of the dashboard, and the command that computes the same numbers."""

    text: str
    address: str
    command: str


@dataclass(frozen=True)
class Links:
    links: tuple[Link, ...]


Block = Heading | Text | Quote | Ruling | Conclusion | Bars | Table | Picture | Links
