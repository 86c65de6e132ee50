"""The Markdown of lessons as HTML that is safe to show: no HTML of its own, no pictures, links that leave nothing open.

`{{NAME}}` becomes a place whose number the page measures.
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from gradviz.dashboard.lesson_numbers import Place
from gradviz.errors import UserError, shown

_NUMBER = re.compile(r"\{\{([^{}\n]{1,120})\}\}")
_LINK = re.compile(r"\?\S*|https?://\S+", re.IGNORECASE)


def _number(state: StateInline, silent: bool) -> bool:
    found = _NUMBER.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        state.push("number", "", 0).content = found[1].strip()
    state.pos = found.end()
    return True


def _number_html(_renderer: Any, tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    place = Place.parse(tokens[at].content)
    named = "".join(f' data-{name}="{value}"' for name, value in place.model_dump(exclude_none=True).items())
    return f'<span class="gv-lesson-number"{named}>—</span>'


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False}).enable("table")
    made.disable(["html_block", "html_inline"])
    made.inline.ruler.before("emphasis", "number", _number)
    made.add_render_rule("number", _number_html)
    return made


_MARKDOWN = _made()


def tokens_of(text: str) -> list[Token]:
    """The blocks of a text, in order."""
    return _MARKDOWN.parse(text)


def html_of(tokens: Sequence[Token]) -> str:
    """These blocks as HTML; UserError for a picture, a link neither to the page nor the web, or an unknown number."""
    for token in tokens:
        _check(token.children or ())
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


def inline_html(text: str) -> str:
    """One line, such as a question, as HTML; UserError as above."""
    return html_of(_MARKDOWN.parseInline(text))


def plain(token: Token) -> str:
    """The words of a heading, without marks."""
    return "".join(child.content for child in token.children or ())


def _check(children: Sequence[Token]) -> None:
    for child in children:
        if child.type == "image":
            raise UserError(
                f"the picture `{shown(child.attrGet('src'))}` is not shown: lessons have no pictures of their own."
            )
        if child.type == "number":
            Place.parse(child.content)
        if child.type == "link_open":
            address = str(child.attrGet("href"))
            if not _LINK.fullmatch(address):
                raise UserError(
                    f"the link `{shown(address)}` is refused: begin with ? for the page itself, or https://."
                )
            if not address.startswith("?"):
                child.attrs |= {"rel": "noopener noreferrer", "target": "_blank"}
