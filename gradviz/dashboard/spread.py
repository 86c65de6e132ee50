"""The parts of the Minibatches view: words, rose, matrix and small multiples, beside the large picture."""

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import help_of, label


def spread() -> list[Component]:
    """Places for `assets/spreadview.js` to draw in. Canvases are pictures with a text alternative; the groups around
    them take the keyboard."""
    return [
        html.Section(
            [
                html.Div(id=ids.SPREAD_WORDS, className="gv-island gv-spread-words"),
                html.Details(
                    [html.Summary("Numbers"), html.Div(id=ids.SPREAD_TABLE, className="gv-island gv-spread-scroll")],
                    id=ids.SPREAD_NUMBERS,
                    className="gv-spread-numbers",
                ),
                html.Div(help_of("Agreement"), className="gv-spread-help"),
            ],
            className="gv-spread gv-spread-head",
            **label("All minibatches in words"),
        ),
        html.Section(
            [
                _heading("All fields", "click or Enter shows one large"),
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
            "of all minibatches",
            ids.ROSE,
            "Rose: arrow keys go from arrow to arrow by direction, Enter chooses",
            html.Div(
                [html.I(className="gv-mean-mark"), html.Span(id=ids.ROSE_KEY, className="gv-island")],
                className="gv-spread-key",
            ),
        ),
        _picture(
            "Cosines of each two",
            "ordered by direction",
            ids.MATRIX,
            "Matrix: arrow keys go from cell to cell, Enter chooses the row",
            html.Div(
                [
                    html.Span("−1 opposite"),
                    html.I(id=ids.COSINE_BAR, className="gv-cosine-bar"),
                    html.Span("1 the same direction"),
                ],
                className="gv-spread-key",
            ),
        ),
    ]


def _picture(title: str, note: str, canvas: str, keys: str, key: Component) -> Component:
    group = html.Div(
        html.Canvas(id=canvas, role="img"), className="gv-spread-picture", tabIndex=0, role="group", **label(keys)
    )
    return html.Section([_heading(title, note), group, key], className=f"gv-spread gv-spread-{canvas}", **label(title))


def _heading(title: str, note: str) -> Component:
    return html.Div([html.H3(title), html.Span(note, className="gv-sub")], className="gv-spread-title")
