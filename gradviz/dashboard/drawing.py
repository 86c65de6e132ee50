"""The controls for drawing fields, and for what pictures side by side share."""

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import folded, label, row, segmented
from gradviz.dashboard.permalink import View

OVERLAYS = {"path": "path", "spread": "minibatches", "sampling": "sampling", "probe": "probe"}


def drawing(view: View) -> Component:
    """Loss, lengths, colours and direction of the arrows."""
    return folded(
        "Drawing",
        row(
            "loss",
            segmented(
                ids.UNDER, {"none": "off", "heat": "heat", "contour": "lines", "surface": "3-D"}, view.under, "Loss"
            ),
        ),
        row(
            "length",
            segmented(
                ids.LENGTH,
                {"compressed": "compressed", "true": "true", "unit": "unit"},
                view.length,
                "Length of the arrows",
            ),
        ),
        row(
            "colour",
            segmented(ids.RANGE, {"epochs": "all", "frame": "this one"}, view.range, "Scale the colours to"),
        ),
        row(
            "arrows",
            segmented(
                ids.DIRECTION,
                {"ascent": "ascent ∇J", "descent": "descent −∇J"},
                view.direction,
                "Direction of the arrows",
            ),
        ),
        row(
            "curves",
            segmented(ids.CURVES, {"off": "losses", "agreement": "agreement"}, view.curves, "Curves over the epochs"),
        ),
        row(
            "also",
            html.Div(
                dmc.ChipGroup(
                    [dmc.Chip(text, value=name, size="xs", variant="light") for name, text in OVERLAYS.items()],
                    id=ids.SHOW,
                    value=list(view.show),
                    multiple=True,
                ),
                className="gv-chips",
                role="group",
                **label("Drawn over the arrows"),
            ),
        ),
    )


def sharing(view: View) -> list[Component]:
    """Whether the pictures of Compare share one scale, and which to subtract from the others."""
    return [
        row(
            "scales",
            segmented(ids.SCALES, {"locked": "locked", "free": "free"}, view.scales, "Scales of colour and length"),
        ),
        row(
            "minus",
            dmc.Select(
                id=ids.MINUS,
                data=[{"value": "off", "label": "off"}],
                value=view.minus,
                allowDeselect=False,
                size="xs",
                **label("Subtracted from the other fields"),
            ),
        ),
    ]
