"""The document as Markdown: still pictures beside it, no HTML."""

from collections.abc import Iterable

from gradviz.report.document import Bars, Block, Conclusion, Heading, Links, Picture, Quote, Ruling, Table, Text


def markdown(blocks: Iterable[Block], *, folder: str, animations: frozenset[str]) -> str:
    """The text; pictures lie in `folder` beside it, as KEY.png and, for the keys in `animations`, KEY.gif too."""
    return "\n\n".join(filter(None, (_lines(block, folder, animations) for block in blocks))) + "\n"


def _lines(block: Block, folder: str, animations: frozenset[str]) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_plain(text)}"
        case Text(text):
            return _plain(text)
        case Quote(text):
            return f"> {_plain(text)}"
        case Ruling(kind, _, rule):
            return f"**{kind}**. Rule: {_plain(rule)}"
        case Conclusion(text):
            return f"**{_plain(text)}**"
        case Bars():
            return ""
        case Table():
            return _table(block)
        case Picture(key, caption):
            # Named, not linked: an animation is large, and may be left out where the text is kept.
            moving = f" Animated: `{folder}/{key}.gif`." if key in animations else ""
            return f"![{_plain(caption)}]({folder}/{key}.png)\n\n*{_plain(caption)}*{moving}"
        case Links(links):
            return "\n".join(f"- [{_plain(link.text)}]({link.address}), or `{link.command}`" for link in links)


def _table(table: Table) -> str:
    rows = [table.head, tuple("---" for _ in table.head), *table.rows]
    lines = "\n".join("| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)
    return f"{_plain(table.caption)}\n\n{lines}" if table.caption else lines


def _plain(text: str) -> str:
    """Text in which nothing is markup."""
    return "".join(f"\\{letter}" if letter in "*_`<>" else letter for letter in text)
