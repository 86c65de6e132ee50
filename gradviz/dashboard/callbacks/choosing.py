"""Choosing a layer, to show its first two biases, and opening the controls on a narrow page."""

from dash import ClientsideFunction, Dash, Input, Output, State

from gradviz.dashboard import ids


def register(app: Dash) -> None:
    for side in ("a", "b"):
        app.clientside_callback(
            ClientsideFunction("gradviz", "pickLayer"),
            Input(ids.LAYER[side], "value"),
            State(ids.LAYER[side], "id"),
            prevent_initial_call=True,
        )
    app.clientside_callback(
        ClientsideFunction("gradviz", "toggleControls"),
        Output(ids.SHELL, "navbar"),
        Input(ids.BURGER, "opened"),
        State(ids.SHELL, "navbar"),
        prevent_initial_call=True,
    )
