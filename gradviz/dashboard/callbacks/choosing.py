"""Choosing parameters: a layer gives its first two biases, a name gives any parameter."""

from dash import ClientsideFunction, Dash, Input, Output, State

from gradviz.dashboard import ids


def register(app: Dash) -> None:
    for side in ("a", "b"):
        app.clientside_callback(
            ClientsideFunction("gradviz", "pickLayer"),
            Output(ids.X[side], "value", allow_duplicate=True),
            Output(ids.Y[side], "value", allow_duplicate=True),
            Input(ids.LAYER[side], "value"),
            State(ids.X[side], "value"),
            State(ids.Y[side], "value"),
            prevent_initial_call=True,
        )
        for parameter in (ids.X[side], ids.Y[side]):
            app.clientside_callback(
                ClientsideFunction("gradviz", "suggest"),
                Output(parameter, "data"),
                Input(parameter, "searchValue"),
                Input(parameter, "value"),
                Input(ids.CHOSEN, "data"),
                prevent_initial_call=True,
            )
    app.clientside_callback(
        ClientsideFunction("gradviz", "toggleControls"),
        Output(ids.SHELL, "navbar"),
        Input(ids.BURGER, "opened"),
        State(ids.SHELL, "navbar"),
        prevent_initial_call=True,
    )
