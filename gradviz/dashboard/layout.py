"""The page: header, controls, pictures with the dock below them, and the training view. Holds no run's data."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from gradviz.compute import estimate
from gradviz.dashboard import ids, viewfields
from gradviz.dashboard.controls import sidebar
from gradviz.dashboard.evidence_view import evidence_view
from gradviz.dashboard.exports import MOST_BYTES, MOST_FRAMES
from gradviz.dashboard.fieldsets import help_of, label, segmented
from gradviz.dashboard.grid_view import grid_view
from gradviz.dashboard.lessons_view import lesson, lessons_button
from gradviz.dashboard.paths_view import paths_view
from gradviz.dashboard.permalink import View
from gradviz.dashboard.scenes_view import scenes_button
from gradviz.dashboard.spread import spread
from gradviz.dashboard.standalone import FRAME_BYTES, MARK_BYTES, POINT_BYTES, shell_bytes
from gradviz.dashboard.training_view import confirmation, training_view
from gradviz.drawing.browser import for_browser
from gradviz.drawing.grid import MOST_LARGE
from gradviz.drawing.inks import FONT, PALETTES
from gradviz.landscape.field import ZeroReason, zero_message

VIEWS = {
    "explore": "Explore",
    "compare": "Compare",
    "minibatches": "Minibatches",
    "paths": "Paths",
    "evidence": "Evidence",
    "training": "Training",
}
SIDEBAR_WIDTH = 268
HEADER_HEIGHT: Any = {"base": 88, "sm": 48}  # two lines on a phone
NUM_PANELS = MOST_LARGE

# Mantine's dark greys, from text to the deepest paper, in the bluish tone of the pictures' paper.
_DARK = [
    "#e4e8ee",
    "#c3cad5",
    "#98a3b3",
    "#6b7686",
    "#3a4353",
    "#2c3442",
    "#1f2631",
    "#14181f",
    "#0c0f14",
    "#080a0e",
]

_THEME: Any = {
    "fontFamily": FONT,
    "primaryColor": "indigo",
    "primaryShade": {"light": 9, "dark": 8},  # text in these on white or on their own tint has a contrast above 4.5
    "defaultRadius": "sm",
    "fontSizes": {"xs": "12px", "sm": "13px", "md": "14px"},
    "respectReducedMotion": True,
    "colors": {"dark": _DARK},
}

_GRAPH_CONFIG: Any = {
    "displaylogo": False,
    "displayModeBar": False,
    "modeBarButtonsToRemove": ["sendChartToCloud"],
    "doubleClick": False,  # assets/views/zoom.js resets all pictures together
    "scrollZoom": False,
}


PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
  <body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""
"""The document that Dash fills; Dash's own declares no language, which screen readers need."""


def page() -> Component:
    """The whole page. Only JavaScript fills elements with the class `gv-island`."""
    return dmc.MantineProvider(
        [
            dcc.Store(id=ids.ADDRESS),
            dcc.Store(id=ids.OPENED),
            dcc.Store(id=ids.CHOSEN),
            dcc.Store(id=ids.CONSTANTS, data=_constants()),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(_header()),
                    dmc.AppShellNavbar(
                        [html.Div(id=ids.SHEET_HANDLE, className="gv-island gv-sheet-handle"), sidebar()]
                    ),
                    dmc.AppShellMain(_main()),
                ],
                id=ids.SHELL,
                header={"height": HEADER_HEIGHT},
                navbar={"width": SIDEBAR_WIDTH, "breakpoint": "md", "collapsed": {"mobile": True}},
                padding=0,
                transitionDuration=0,
            ),
            confirmation(),
        ],
        theme=_THEME,
        defaultColorScheme="auto",
    )


def _constants() -> dict[str, object]:
    """Constants for the JavaScript, so that none is written twice."""
    zero_messages = [zero_message(reason) for reason in ZeroReason]
    sizes = {"frame_bytes": FRAME_BYTES, "point_bytes": POINT_BYTES, "mark_bytes": MARK_BYTES}
    sizes |= {"shell_bytes": shell_bytes(), "grid_shell_bytes": shell_bytes(is_grid=True)}
    return {
        "look": for_browser(),
        "costs": estimate.for_browser(),
        "fields": viewfields.for_browser(View().model_dump(mode="json", exclude={"variant"})),
        "zero_messages": zero_messages,
        "exports": sizes | {"most_frames": MOST_FRAMES, "most_bytes": MOST_BYTES},
    }


def _header() -> Component:
    return html.Div(
        [
            dmc.Burger(id=ids.BURGER, size="sm", hiddenFrom="md", opened=False, **label("Controls")),
            html.Div([html.Span("↗", className="gv-mark"), html.Span("gradviz")], className="gv-brand"),
            html.Nav(segmented(ids.VIEW, VIEWS, "explore", "View"), **label("Views")),
            scenes_button(),
            html.Div(id=ids.STATUS, className="gv-island gv-status", role="status"),
            lessons_button(),
            html.Div(id=ids.EXPORT, className="gv-island gv-export"),
            html.Div(id=ids.PRESENT, className="gv-island gv-present"),
            dmc.ColorSchemeToggle(
                lightIcon="☀",
                darkIcon="☾",
                id=ids.SCHEME,
                size="md",
                variant="subtle",
                color="gray",
                **label("Dark or light"),
            ),
        ],
        className="gv-header",
    )


def _main() -> Component:
    return html.Div(
        [
            html.H1("Gradient landscapes", className="gv-hidden"),
            html.Div(id=ids.NOTICES, className="gv-island gv-notices", role="alert"),
            html.Div(id=ids.SPOKEN, className="gv-hidden", role="status"),
            html.Div(id=ids.FIRST_NOTE, className="gv-island gv-first-note"),
            html.Div(
                [
                    html.Div([*map(_panel, range(NUM_PANELS)), grid_view(), *spread(), _rows()], className="gv-panels"),
                    html.Div(id=ids.PROBE, className="gv-island gv-probe", role="group", hidden=True, **label("Probe")),
                    html.Div(id=ids.SCALE, className="gv-island gv-scale"),
                    _dock(),
                    html.Div(id=ids.EMPTY, className="gv-island gv-empty"),
                ],
                className="gv-stage",
            ),
            paths_view(_bare(), _GRAPH_CONFIG),
            evidence_view(),
            training_view(),
            html.Div(id=ids.TIP, className="gv-island gv-tip", role="status", hidden=True),
            lesson(),
        ],
        className="gv-main",
        id="main",
    )


def _panel(slot: int) -> Component:
    return html.Section(
        [
            html.Div(
                [html.Div(id=ids.TITLES[slot], className="gv-island gv-title"), _rows_button(slot)], className="gv-head"
            ),
            html.Div(
                [
                    dcc.Graph(id=ids.GRAPHS[slot], config=_GRAPH_CONFIG, figure=_bare(), responsive=True),
                    html.Canvas(
                        id=ids.CANVASES[slot],
                        className="gv-canvas",
                        role="img",
                        **{"aria-labelledby": ids.TITLES[slot], "aria-describedby": ids.CAPTIONS[slot]},  # pyright: ignore[reportArgumentType]
                    ),
                    html.Canvas(id=ids.ROWS_CANVASES[slot], className="gv-canvas"),
                    html.Div(id=ids.CROSSES[slot], className="gv-cross", hidden=True),
                    html.Div(id=ids.PROBES[slot], className="gv-island gv-probe-place"),
                    html.Div(id=ids.VEILS[slot], className="gv-island gv-veil"),
                    html.Div(id=ids.ZOOMED[slot], className="gv-island gv-zoomed"),
                    html.Div(id=ids.GROUNDS[slot], className="gv-island gv-ground"),
                ],
                className="gv-picture",
                **{"data-slot": slot},  # pyright: ignore[reportArgumentType]  (html takes data-*)
            ),
            html.Div(
                [
                    html.Div(
                        id=ids.READINGS[slot],
                        className="gv-island gv-reading",
                        role="group",
                        tabIndex=0,
                        **label(f"Numbers at one point of picture {slot + 1}: arrow keys move the point"),
                    ),
                    html.Div(id=ids.PROBE_LEGENDS[slot], className="gv-island gv-probe-legend"),
                    html.Div(id=ids.CAPTIONS[slot], className="gv-island gv-caption"),
                    html.Div(id=ids.NUMBERS[slot], className="gv-island"),
                ],
                className="gv-foot",
            ),
        ],
        id=ids.PANELS[slot],
        className="gv-panel",
        **label(f"Picture {slot + 1}"),
    )


def _rows_button(slot: int) -> Component:
    return html.Button(
        "Rows",
        id=ids.ROWS_BUTTONS[slot],
        type="button",
        className="gv-button gv-rows-button",
        title="The rows of the minibatch, and what each adds to its arrow",
        **{"data-rows": slot, "aria-expanded": "false", "aria-controls": ids.ROWS},  # pyright: ignore[reportArgumentType]
    )


def _rows() -> Component:
    """The rows of a picture's minibatch, beside it; `assets/views/rowspanel.js` fills it."""
    told = html.Div(id=ids.ROWS_TOLD, className="gv-rows-told", role="status")
    return html.Section(told, id=ids.ROWS, className="gv-island gv-rows", hidden=True, **label("Rows of the minibatch"))


def _dock() -> Component:
    return html.Section(
        [
            html.Div(
                id=ids.FAMILIES,
                className="gv-island gv-families",
                role="group",
                hidden=True,
                **label("What the curves show"),
            ),
            html.Div(
                [
                    dcc.Graph(id=ids.LOSS, config=_GRAPH_CONFIG, figure=_bare(), responsive=True),
                    html.Div(id=ids.LOSS_MARK, className="gv-island gv-loss-mark"),
                    html.Div(id=ids.LOSS_NAMES, className="gv-island gv-loss-names"),
                    html.Div(help_of("Curves"), className="gv-curves-help"),
                ],
                className="gv-loss",
            ),
            html.Div(id=ids.COURSE, className="gv-island gv-course", hidden=True),
            html.Div(id=ids.SCRUBBER, className="gv-island gv-scrubber"),
            html.Div(id=ids.MINIBATCH_PLAYER, className="gv-island gv-scrubber gv-minibatches-only"),
        ],
        className="gv-dock",
        **label("Loss curves and epoch"),
    )


def _bare() -> dict[str, object]:
    """Empty, transparent axes: the page's colour shows through until the first picture appears."""
    axis = {"visible": False, "range": [-1, 1]}
    layout = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "xaxis": axis, "yaxis": axis}
    font = {"family": FONT, "color": PALETTES["light"].faint}
    layout |= {"font": font, "margin": {"l": 56, "r": 12, "t": 8, "b": 40}}
    return {"data": [], "layout": layout}
