"""The document as one HTML page that opens from disk: interactive figures, their still pictures until then."""

import base64
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from gradviz.dashboard.assets import assets_folder
from gradviz.dashboard.evidence_told import figure_told
from gradviz.report.document import Bars, Block, Conclusion, Heading, Link, Links, Picture, Quote, Ruling, Table, Text
from gradviz.report.standalone import standalone_page

_STYLES = (files("gradviz.report") / "page.css", assets_folder() / "bars.css")


@dataclass(frozen=True)
class Interactive:
    """The data of one picture: frames for each panel (`moving`), or one Plotly figure."""

    blocks: tuple[bytes, ...]
    moving: bool


def page(
    title: str, blocks: Iterable[Block], *, interactive: Mapping[str, Interactive], stills: Mapping[str, bytes]
) -> str:
    """The HTML text; `interactive` and `stills` (png) by the key of the picture."""
    data = {f"gv-{key}-{k}": content for key, figure in interactive.items() for k, content in enumerate(figure.blocks)}
    body = "\n".join(_html(block, interactive, stills) for block in blocks)
    return standalone_page(
        title,
        f"<main>\n{body}\n</main>",
        styles="\n".join(path.read_text(encoding="utf-8") for path in _STYLES),
        blocks=data,
    )


def _html(block: Block, interactive: Mapping[str, Interactive], stills: Mapping[str, bytes]) -> str:
    match block:
        case Heading(text, level, anchor):
            name = f' id="{html.escape(anchor)}"' if anchor else ""
            return f"<h{level}{name}>{html.escape(text)}</h{level}>"
        case Text(text):
            return f"<p>{html.escape(text)}</p>"
        case Quote(text):
            return f"<blockquote>{html.escape(text)}</blockquote>"
        case Ruling(kind, tone, rule):
            return (
                f'<div class="gv-ruling"><span class="gv-kind gv-{tone}">{html.escape(kind)}</span>'
                f'<span class="gv-rule">{html.escape(rule)}</span></div>'
            )
        case Conclusion(text):
            return f'<p class="gv-says">{html.escape(text)}</p>'
        case Bars(figures):
            told = json.dumps([figure_told(figure) for figure in figures], ensure_ascii=False)
            return f'<div class="gv-bars-place" data-bars="{html.escape(told)}"></div>'
        case Table():
            return _table(block)
        case Picture(key, caption):
            return _figure(key, caption, interactive.get(key), stills.get(key))
        case Links(links):
            items = "".join(f"<li>{_link(link)}</li>" for link in links)
            return f"<details><summary>The same numbers elsewhere</summary><ul>{items}</ul></details>"


def _figure(key: str, caption: str, figure: Interactive | None, still: bytes | None) -> str:
    parts = []
    if figure is not None:
        kind = "gv-player" if figure.moving else "gv-plot"
        names = " ".join(f"gv-{key}-{k}" for k in range(len(figure.blocks)))
        graphs = '<div class="gv-graph"></div>' * (len(figure.blocks) if figure.moving else 1)
        steps = (
            '<div class="gv-steps"><button type="button">Play</button>'
            '<input type="range" min="0" value="0" aria-label="minibatch"><span class="gv-facts"></span></div>'
            if figure.moving
            else ""
        )
        parts.append(f'<div class="{kind}" data-blocks="{names}"><div class="gv-graphs">{graphs}</div>{steps}</div>')
    if still is not None:
        source = "data:image/png;base64," + base64.b64encode(still).decode()
        parts.append(f'<img class="gv-still" alt="{html.escape(caption)}" src="{source}">')
    return f'<figure id="figure-{key}">{"".join(parts)}<figcaption>{html.escape(caption)}</figcaption></figure>'


def _table(table: Table) -> str:
    caption = f"<caption>{html.escape(table.caption)}</caption>" if table.caption else ""
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return f'<div class="gv-table"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _link(link: Link) -> str:
    return (
        f'<a href="{html.escape(link.address)}">{html.escape(link.text)}</a> in a running dashboard, or '
        f"<code>{html.escape(link.command)}</code>"
    )
