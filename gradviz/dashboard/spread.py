"""The parts of the Minibatches view: words, rose, matrix and small multiples, beside the large picture."""

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import help_of, label, segmented
from gradviz.dashboard.permalink import View

PARTS = {"pair": "pair", "biases": "biases", "layer": "layer", "model": "model"}


def spread() -> list[Component]:
    """Containers in which `assets/views/spreadview.js` draws. Canvases are pictures with a text alternative; the groups
    around them take the keyboard."""
    return [
        html.Section(
            [
                html.Div(id=ids.SPREAD_WORDS, className="gv-island gv-spread-words"),
                html.Div(
                    [
                        _opener("Numbers", ids.SPREAD_NUMBERS, ids.SPREAD_TABLE, "gv-spread-numbers"),
                        _opener("Measures", ids.SPREAD_MEASURES, ids.MEASURES_TABLE, "gv-measures"),
                    ],
                    className="gv-spread-openers",
                ),
                html.Div(help_of("Agreement"), className="gv-spread-help"),
            ],
            className="gv-spread gv-spread-head",
            **label("All minibatches in words"),
        ),
        html.Section(
            [
                _heading("All fields", html.Span("click or press Enter to enlarge one", className="gv-sub gv-hint")),
                html.Div(
                    [
                        html.Canvas(id=ids.MINIS_CANVAS, role="img"),
                        html.Div(id=ids.MINIS, className="gv-island gv-minis", role="group", **label("Minibatches")),
                    ],
                    className="gv-spread-picture gv-minis-picture",
                ),
            ],
            className="gv-spread gv-spread-minis",
            **label("Small multiples"),
        ),
        _picture(
            "Gradients at ○",
            html.Span("of all minibatches", className="gv-sub"),
            ids.ROSE,
            "Rose: arrow keys go from arrow to arrow by direction, Enter chooses",
            html.Div(
                [html.I(className="gv-mean-mark"), html.Span(id=ids.ROSE_KEY, className="gv-island")],
                className="gv-spread-key",
            ),
        ),
        _picture(
            "Cosines",
            html.Span(id=ids.MATRIX_NOTE, className="gv-island gv-sub"),
            ids.MATRIX,
            "Matrix: arrow keys go from cell to cell, Enter chooses the row",
            html.Div(
                [
                    html.Span("−1"),
                    html.I(id=ids.COSINE_BAR, className="gv-cosine-bar"),
                    html.Span("1"),
                    segmented(ids.PART, PARTS, View().part, "Gradients of which parameters, ordered by direction"),
                ],
                className="gv-spread-key",
            ),
        ),
    ]


def _opener(name: str, id: str, inside: str, kind: str) -> Component:
    scroll = html.Div(id=inside, className="gv-island gv-spread-scroll")
    return html.Details([html.Summary(name), scroll], id=id, className=f"gv-spread-opener {kind}")


def _picture(title: str, note: Component, canvas: str, keys: str, key: Component) -> Component:
    group = html.Div(
        html.Canvas(id=canvas, role="img"), className="gv-spread-picture", tabIndex=0, role="group", **label(keys)
    )
    return html.Section([_heading(title, note), group, key], className=f"gv-spread gv-spread-{canvas}", **label(title))


def _heading(title: str, note: Component) -> Component:
    return html.Div([html.H3(title), note], className="gv-spread-title")
