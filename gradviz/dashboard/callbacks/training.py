"""The buttons of the training view; what they do goes through the HTTP API."""

from dash import ClientsideFunction, Dash, Input, Output

MODAL = "again-modal"


def register(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("gradviz", "train"),
        Output(MODAL, "opened"),
        *(
            Input(button, "n_clicks")
            for button in ("train-start", "train-stop", "train-again", "again-cancel", "again-confirm")
        ),
        prevent_initial_call=True,
    )
