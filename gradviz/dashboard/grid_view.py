"""Small multiples: more runs side by side than there are panels."""

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import label


def grid_view() -> Component:
    """Their frame; `assets/views/grid.js` draws them."""
    reading = "Numbers of one run at one point: arrow keys move the point, Page Up and Page Down go from run to run"
    return html.Section(
        [
            html.Div(id=ids.GRID_TITLE, className="gv-island gv-title"),
            html.Div(
                [
                    html.Canvas(id=ids.GRID_CANVAS, role="img"),
                    html.Div(id=ids.GRID_BUTTONS, className="gv-island gv-minis", role="group", **label("Runs")),
                    html.Div(id=ids.GRID_ZOOMED, className="gv-island gv-zoomed"),
                ],
                className="gv-spread-picture gv-minis-picture gv-grid-picture",
            ),
            html.Div(
                [
                    html.Div(
                        id=ids.GRID_READING,
                        className="gv-island gv-grid-reading",
                        role="group",
                        tabIndex=0,
                        **label(reading),
                    ),
                    html.Div(id=ids.GRID_NUMBERS, className="gv-island"),
                ],
                className="gv-foot gv-grid-foot",
            ),
        ],
        id=ids.GRID,
        className="gv-grid",
        hidden=True,
        **label("Small multiples of the runs"),
    )
