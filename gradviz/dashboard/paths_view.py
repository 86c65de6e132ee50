"""The Paths view: replicas of the training from one checkpoint, how far they come apart, and what made each step."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import heading, label


def paths_view(figure: dict[str, object], config: Any) -> Component:
    """`assets/views/pathsview.js` fills the islands. `figure`, `config`: of the curves, before there are any."""
    return html.Section(
        [
            heading("Which rows together, and in which order: where does training go?", "Paths"),
            html.P(
                "From one checkpoint, replicas of the training go on for one epoch, and each condition changes one"
                " thing: the order of the minibatches, which rows form them, or which rows are drawn. “same” changes"
                " nothing: it is the control.",
                className="gv-message",
            ),
            html.Div(id=ids.PATHS_FORM, className="gv-island gv-paths-form", role="group", **label("What is compared")),
            html.Div(id=ids.PATHS_STATE, className="gv-island gv-paths-state", role="status"),
            html.Div(
                [*_words(), _fan(), _curves(figure, config), _tables()],
                id=ids.PATHS_RESULT,
                className="gv-paths-result",
                hidden=True,
            ),
        ],
        className="gv-reading-view gv-paths",
        tabIndex=0,
        **label("Paths"),
    )


def _words() -> list[Component]:
    return [
        html.Div(id=ids.PATHS_SUMMARY, className="gv-island gv-paths-summary"),
        html.Div(id=ids.PATHS_LEGEND, className="gv-island gv-legend"),
    ]


def _fan() -> Component:
    return html.Section(
        [
            html.H3("The paths"),
            html.Div(
                [
                    html.Div(id=ids.PATHS_UP, className="gv-island gv-paths-up"),
                    html.Div(
                        [
                            html.Canvas(id=ids.PATHS_FAN_CANVAS, role="img", **label("The paths in their plane")),
                            html.Span(id=ids.PATHS_SCALE, className="gv-island gv-paths-scale"),
                        ],
                        id=ids.PATHS_FAN,
                        className="gv-paths-canvas",
                    ),
                    html.Div(id=ids.PATHS_ACROSS, className="gv-island gv-paths-across"),
                ],
                className="gv-paths-picture",
            ),
            html.Div(id=ids.PATHS_PLANE, className="gv-island gv-paths-plane gv-sub"),
            html.Div(id=ids.PATHS_SCRUBBER, className="gv-island gv-scrubber"),
            html.Div(id=ids.PATHS_STEP, className="gv-island gv-paths-step"),
        ],
        className="gv-paths-fan",
        **label("The paths"),
    )


def _curves(figure: dict[str, object], config: Any) -> Component:
    return html.Section(
        [
            html.H3("Along the epoch"),
            html.Div(
                dcc.Graph(id=ids.PATHS_CURVES, config=config, figure=figure, responsive=True),
                className="gv-paths-graph",
            ),
        ],
        className="gv-paths-curves",
        **label("Along the epoch"),
    )


def _tables() -> Component:
    return html.Section(
        [
            html.H3("At the end"),
            html.Div(id=ids.PATHS_TABLE, className="gv-island"),
            html.Div(id=ids.PATHS_NUMBERS, className="gv-island"),
        ],
        className="gv-paths-tables",
        **label("At the end"),
    )
