"""The Training view: progress and speed of each run, and the buttons; deleting needs a confirmation."""

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import heading, label


def training_view() -> Component:
    return html.Section(
        [
            heading("Training", "Training"),
            html.Div(id=ids.TRAINING, className="gv-island"),
            dmc.Group(
                [
                    dmc.Button("Start", id=ids.TRAIN_START, size="sm"),
                    dmc.Button("Stop", id=ids.TRAIN_STOP, size="sm", variant="default"),
                    dmc.Button("Start again…", id=ids.TRAIN_AGAIN, size="sm", variant="subtle", color="red"),
                ],
                gap="xs",
            ),
        ],
        className="gv-training",
        **label("Training"),
    )


def confirmation() -> Component:
    """The dialog before deleting; `assets/views/training.js` sets its text."""
    return dmc.Modal(
        [
            dmc.Text("", id=ids.CONFIRM_TEXT, size="sm"),
            dmc.Group(
                [
                    dmc.Button("Keep", id=ids.CONFIRM_NO, variant="default", size="sm"),
                    dmc.Button("Delete", id=ids.CONFIRM_YES, color="red", size="sm"),
                ],
                justify="flex-end",
                mt="md",
            ),
        ],
        id=ids.CONFIRM,
        title="Delete?",
        centered=True,
        opened=False,
        withCloseButton=False,
    )
