"""Every control has its help: each group its card, and each row of a group a word of its own in it."""

from collections.abc import Iterator

import pytest
from dash import html
from dash.development.base_component import Component

from gradviz.dashboard.controls import sidebar
from gradviz.dashboard.drawing import OVERLAYS
from gradviz.dashboard.evidence_view import evidence_view
from gradviz.dashboard.help import HELP
from gradviz.dashboard.layout import page
from gradviz.dashboard.paths_view import paths_view
from gradviz.dashboard.training_view import training_view

OWN_WORDS = {"also": tuple(OVERLAYS.values())}
"""A row of several controls, each with its own name."""


def parts_of(component: Component) -> Iterator[Component]:
    """It, and all that it holds."""
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, list) else [children]:
        if isinstance(child, Component):
            yield from parts_of(child)


def text_of(component: Component) -> str:
    children = getattr(component, "children", None)
    parts = children if isinstance(children, list) else [children]
    return "".join(text_of(part) if isinstance(part, Component) else str(part or "") for part in parts)


def classes_of(component: Component) -> list[str]:
    return str(getattr(component, "className", "")).split()


def groups() -> list[tuple[str, Component]]:
    """The groups of the sidebar with their titles; each left picture stands for the right one."""
    found = []
    for part in parts_of(sidebar()):
        if isinstance(part, html.Fieldset) or (isinstance(part, html.Details) and "gv-fold" in classes_of(part)):
            first = next(inner for inner in parts_of(part) if isinstance(inner, html.Legend | html.Summary))
            found.append((text_of(first), part))
    return found


@pytest.mark.parametrize(("title", "group"), groups(), ids=[title for title, _ in groups()])
def test_a_group_has_its_card_and_each_of_its_rows_an_entry(title: str, group: Component):
    cards = [part for part in parts_of(group) if "gv-help-card" in classes_of(part)]
    assert len(cards) == 1
    terms = {entry.term for entry in HELP[title]}
    rows = [text_of(part) for part in parts_of(group) if "gv-row-label" in classes_of(part)]
    wanted = {word for row in rows for word in OWN_WORDS.get(row, (row,))}
    assert wanted <= terms
    for entry in HELP[title]:
        assert f"{entry.term} {entry.text}" in text_of(cards[0])


@pytest.mark.parametrize(
    "view", [evidence_view(), training_view(), paths_view({}, {})], ids=["evidence", "training", "paths"]
)
def test_a_view_has_help_beside_its_heading(view: Component):
    [head] = [part for part in parts_of(view) if "gv-view-head" in classes_of(part)]
    assert [part for part in parts_of(head) if "gv-help-card" in classes_of(part)]


def test_the_curves_have_a_card_that_says_their_unit():
    [place] = [part for part in parts_of(page()) if "gv-curves-help" in classes_of(part)]
    assert "in units of y" in text_of(place)


@pytest.mark.parametrize("topic", HELP)
def test_an_entry_says_something(topic: str):
    for entry in HELP[topic]:
        assert entry.term
        assert len(entry.text) > 20
        assert entry.text.endswith((".", ":"))
