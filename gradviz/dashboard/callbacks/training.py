"""The buttons of the Training view, which use the HTTP API."""

from dash import ClientsideFunction, Dash, Input, Output

from gradviz.dashboard import ids


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("gradviz", "train"),
        Output(ids.CONFIRM, "opened"),
        *(
            Input(button, "n_clicks")
            for button in (ids.TRAIN_START, ids.TRAIN_STOP, ids.TRAIN_AGAIN, ids.CONFIRM_NO, ids.CONFIRM_YES)
        ),
        prevent_initial_call=True,
    )
