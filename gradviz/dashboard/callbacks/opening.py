"""Turns the address into the page's choices, at load and after back and forward."""

from collections.abc import Mapping

from dash import ClientsideFunction, Dash, Input, Output, State

from gradviz.dashboard import ids, permalink
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.viewfields import CONTROLS
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore


def register(app: Dash, store: RunStore) -> None:
    app.clientside_callback(
        ClientsideFunction("gradviz", "readAddress"),
        Output(ids.ADDRESS, "data"),
        Input(ids.CONSTANTS, "data"),
    )

    @app.callback(Output(ids.OPENED, "data"), Input(ids.ADDRESS, "data"), prevent_initial_call=True)
    def open_view(address: object) -> dict[str, object]:
        return opened(_search_of(address), runs_of(store))

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


def opened(search: str, runs: Mapping[str, dict]) -> dict[str, object]:
    """The view of a query string, adapted to the runs, and notices about it."""
    view, unread = permalink.read(search)
    view, unfit = permalink.settle(view, runs)
    return {"view": view.model_dump(exclude={"variant"}), "notices": [*unread, *unfit]}
