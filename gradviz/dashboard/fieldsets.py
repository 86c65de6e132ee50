"""Building blocks of the sidebar: named groups of controls with their help, rows, and segmented controls."""

from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from gradviz.dashboard.help import HELP, Entry


def group(title: str, *children: Component, class_name: str = "") -> Component:
    """A fieldset; a small button beside the title opens its help, if any."""
    return html.Fieldset(
        [html.Legend(title), *help_of(title), *children],
        className=f"gv-group {class_name}".strip(),
    )


def folded(title: str, *children: Component) -> Component:
    """A group that starts closed."""
    return html.Details(
        [html.Summary(title), html.Div([*help_of(title), *children], className="gv-group")],
        className="gv-fold",
        **label(title),
    )


def help_of(title: str) -> list[Component]:
    """The button and the card of a group's help; `assets/views/help.js` closes it."""
    if title not in HELP:
        return []
    button = html.Summary("?", **label(f"Help: {title}"))
    return [html.Details([button, html.Div(_entries(HELP[title]), className="gv-help-card")], className="gv-help")]


def heading(text: str, topic: str) -> Component:
    """The heading of a view, with its help beside it."""
    return html.Div([html.H2(text), *help_of(topic)], className="gv-view-head")


def _entries(entries: tuple[Entry, ...]) -> list[Component]:
    made: list[Component] = []
    for entry in entries:
        made.append(html.P([html.B(entry.term), f" {entry.text}"]))
        if entry.formula:
            made.append(html.P(entry.formula, className="gv-formula"))
    return made


def row(name: str, control: Component) -> Component:
    return html.Div([html.Span(name, className="gv-row-label"), control], className="gv-row")


def segmented(component_id: str, options: dict[str, str], value: str, name: str, class_name: str = "") -> Component:
    return dmc.SegmentedControl(
        id=component_id,
        data=[{"value": option, "label": text} for option, text in options.items()],
        value=value,
        size="xs",
        fullWidth=True,
        transitionDuration=120,
        className=class_name,
        **label(name),
    )


def label(text: str) -> dict[str, Any]:
    """The name of a control for screen readers, if it has no visible label."""
    return {"aria-label": text}
