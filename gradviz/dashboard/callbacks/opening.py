"""Turns the address into the page's choices, at load and after back and forward."""

from collections.abc import Mapping
from functools import partial

from dash import ClientsideFunction, Dash, Input, Output, State

from gradviz.compute.interface import Compute
from gradviz.dashboard import ids, permalink
from gradviz.dashboard.first_picture import Live, first_picture, live_pair, names_nothing
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.viewfields import CONTROLS
from gradviz.errors import UserError


def register(app: Dash, compute: Compute) -> None:
    app.clientside_callback(
        ClientsideFunction("gradviz", "readAddress"),
        Output(ids.ADDRESS, "data"),
        Input(ids.CONSTANTS, "data"),
    )

    @app.callback(Output(ids.OPENED, "data"), Input(ids.ADDRESS, "data"), prevent_initial_call=True)
    def open_view(address: object) -> dict[str, object]:
        return opened(_search_of(address), runs_of(compute.store), partial(live_pair, compute))

    app.clientside_callback(
        ClientsideFunction("gradviz", "setControls"),
        *(Output(component_id, "value") for component_id in CONTROLS),
        Input(ids.OPENED, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("gradviz", "choose"),
        Output(ids.CHOSEN, "data"),
        *(Input(component_id, "value") for component_id in CONTROLS),
        State(ids.OPENED, "data"),
        prevent_initial_call=True,
    )


def _search_of(address: object) -> str:
    search = address.get("search") if isinstance(address, dict) else None
    if not isinstance(search, str):
        raise UserError("The address must be an object with `search`, the query as text: reload the page.")
    return search


def opened(search: str, runs: Mapping[str, dict], live: Live) -> dict[str, object]:
    """The view of a query string, adapted to the runs, and notices about it; `live`: as `first_picture` takes it."""
    asked, unread = permalink.read(search)
    view, unfit = permalink.settle(asked, runs)
    if names_nothing(asked):
        view = first_picture(view, runs, live)
    return {"view": view.model_dump(exclude={"variant"}), "notices": [*unread, *unfit]}
