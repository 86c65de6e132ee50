"""The place of the curves of agreement and roughness over the epochs, under the loss curves."""

from collections.abc import Mapping

from dash import dcc, html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import label


def agreement_curves(config: Mapping[str, object], figure: Mapping[str, object]) -> list[Component]:
    """`assets/agreementcurves.js` draws them when they are wanted, and fills the table behind them."""
    return [
        html.Section(
            [
                html.Div(
                    [
                        html.Div(id=ids.AGREEMENT_LEGEND, className="gv-island gv-legend"),
                        html.Details(
                            [html.Summary("Numbers"), html.Div(id=ids.AGREEMENT_TABLE, className="gv-island")],
                            id=ids.AGREEMENT_NUMBERS,
                        ),
                    ],
                    className="gv-agreement-head",
                ),
                html.Div(
                    [
                        dcc.Graph(id=ids.AGREEMENT, config=dict(config), figure=dict(figure), responsive=True),  # pyright: ignore[reportArgumentType]  (plotly's config)
                        html.Div(id=ids.AGREEMENT_MARK, className="gv-island gv-loss-mark"),
                    ],
                    className="gv-agreement-picture",
                ),
            ],
            className="gv-agreement",
            **label("Agreement over the epochs"),
        )
    ]
