"""The numbers and the picture of a verdict as plain JSON, for the page and for the report alike."""

from gradviz.dashboard.evidence_links import address_of
from gradviz.evidence.verdict import Figure, Picture, Threshold
from gradviz.landscape.request import LandscapeRequest


def figure_told(figure: Figure) -> dict[str, object]:
    """A number with its interval, what its rule asks of it, and the view that shows it."""
    return {
        **figure.estimate.model_dump(),
        "name": figure.name,
        "unit": figure.unit,
        "sample": figure.sample,
        "range": figure.range,
        "asked": figure.asked,
        "thresholds": [_threshold(each, figure.unit) for each in figure.thresholds],
        "marks": [{"name": each.name, **each.estimate.model_dump()} for each in figure.marks],
        "address": address_of(figure.shown),
    }


def _threshold(threshold: Threshold, unit: str) -> dict[str, object]:
    return {"value": threshold.value, "side": threshold.side, "words": threshold.words(unit)}


def picture_told(picture: Picture) -> dict[str, object]:
    """The picture with the questions that its landscapes answer, and the addresses of the views that show more."""
    chart = picture.chart
    return {
        "kind": picture.kind,
        "caption": picture.caption,
        "run": picture.losses,
        "planes": [
            {
                "name": plane.name,
                "request": _asked_of(plane.shown.request),
                "address": address_of(plane.shown),
            }
            for plane in picture.planes
        ],
        "chart": None
        if chart is None
        else {
            **chart.model_dump(exclude={"threshold"}),
            "threshold": None if chart.threshold is None else _threshold(chart.threshold, chart.unit),
        },
        "address": address_of(picture.shown),
    }


def _asked_of(request: LandscapeRequest | None) -> dict[str, object]:
    """What a landscape is asked for by, without what it is anyway; a picture of it needs its half width."""
    if request is None:
        return {}
    asked = request.model_dump(exclude_defaults=True, exclude={"variant"})
    return asked | {"half_width": request.half_width, "points": request.points}
