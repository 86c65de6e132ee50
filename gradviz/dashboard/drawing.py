"""The controls of how fields are drawn, and of what pictures side by side share."""

from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import folded, row, segmented
from gradviz.dashboard.permalink import View


def drawing(view: View) -> Component:
    """Loss, lengths, colours and direction of the arrows."""
    return folded(
        "Drawing",
        row("loss", segmented(ids.UNDER, {"none": "off", "heat": "heat", "contour": "lines"}, view.under, "Loss")),
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
            segmented(ids.RANGE, {"epochs": "all", "frame": "this one"}, view.range, "Colours are scaled to"),
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
    )


def sharing(view: View) -> Component:
    """Whether the pictures of Compare share one scale."""
    return row(
        "scales",
        segmented(ids.SCALES, {"locked": "locked", "free": "free"}, view.scales, "Scales of colour and length"),
    )
