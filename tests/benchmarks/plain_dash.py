"""An ordinary Dash app to measure against: an epoch slider whose server callback returns the two figures.

It is given every advantage that leaves it ordinary: the fields lie in memory, nothing is computed or read in the
callback, and the figures are those of `gradviz.drawing.figure`.
"""

import os
from pathlib import Path

import plotly.graph_objects as go
from dash import Dash, Input, Output, dcc, html
from flask import Flask

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.drawing.figure import Picture, landscape_figure
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

LAYERS = (1, 2)


def create_server() -> Flask:
    """The server over GRADVIZ_RUNS, for gunicorn."""
    fields = load(Path(os.environ["GRADVIZ_RUNS"]), Path(os.environ["GRADVIZ_CACHE_DIR"]))
    epochs = sorted({epoch for epoch, _ in fields})
    app = Dash("plain")
    slider = dcc.Slider(epochs[0], epochs[-1], 1, value=epochs[-1], id="epoch", updatemode="drag")
    graphs = [dcc.Graph(id=f"graph-{layer}", style={"width": "540px", "height": "480px"}) for layer in LAYERS]
    app.layout = html.Div([html.Div(graphs, style={"display": "flex"}), slider])

    @app.callback([Output(f"graph-{layer}", "figure") for layer in LAYERS], Input("epoch", "value"))
    def show(epoch: int) -> list[go.Figure]:
        return [figure(fields[epoch, layer]) for layer in LAYERS]

    return app.server


def load(runs: Path, cache: Path) -> dict[tuple[int, int], GradientField]:
    """The fields of the first page by epoch and layer."""
    store = RunStore(runs)
    with FieldCache(cache) as kept:
        compute = LocalCompute(store, kept)
        return {
            (epoch, layer): compute.landscape(
                LandscapeRequest.of(
                    run="none",
                    epoch=epoch,
                    x=f"hidden.{layer}.linear.bias[0]",
                    y=f"hidden.{layer}.linear.bias[1]",
                )
            )
            for layer in LAYERS
            for epoch in store.run("none").epochs()
        }


def figure(field: GradientField) -> go.Figure:
    return landscape_figure(Picture(field))
