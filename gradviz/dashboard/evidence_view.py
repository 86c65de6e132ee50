"""The Evidence view: each claim quoted from the text, with its verdict, rule, numbers and links."""

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import heading, label


def evidence_view() -> Component:
    """`assets/views/evidence.js` fills the islands."""
    return html.Section(
        [
            heading("Does the text hold?", "Evidence"),
            html.P(
                "Each claim is quoted from the source and tested on your runs by a rule, which is the same"
                " for all runs and stands behind it. Brackets are 95 % intervals. R is the mean resultant length of the"
                " gradients' directions: 1 if all agree. “Shown” opens the view that shows the number.",
                className="gv-message",
            ),
            html.Div(id=ids.EVIDENCE_STATE, className="gv-island gv-evidence-state", role="status"),
            html.Div(id=ids.EVIDENCE_CLAIMS, className="gv-island gv-claims"),
        ],
        className="gv-reading-view gv-evidence",
        tabIndex=0,
        **label("Evidence"),
    )
