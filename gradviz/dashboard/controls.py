"""The controls on the left: what to show, at which minibatch, how to evaluate it, and how to draw it."""

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.drawing import drawing, sharing
from gradviz.dashboard.fieldsets import group, label, segmented
from gradviz.dashboard.permalink import View
from gradviz.dashboard.run_told import MINIBATCH_SIZES
from gradviz.landscape.request import WIDTHS

SIDES = {"a": "Left picture", "b": "Right picture"}


def sidebar() -> Component:
    """All controls with the default view's values; the address and the runs change them when the page opens."""
    view = View()
    return html.Div(
        [
            group(
                "Run",
                html.Div(id=ids.VARIANT, className="gv-island gv-runs", role="radiogroup", **label("Run")),
                class_name="gv-explore-only",
            ),
            group(
                "Runs side by side",
                html.Div(id=ids.COMPARED, className="gv-island gv-runs", role="group", **label("Runs side by side")),
                *sharing(view),
                class_name="gv-compare-only",
            ),
            *(_pair(side) for side in SIDES),
            group(
                "Minibatch",
                html.Div(id=ids.MINIBATCH, className="gv-island"),
                segmented(
                    ids.MINIBATCH_SIZE,
                    {str(size): f"{size} rows" for size in MINIBATCH_SIZES},
                    str(view.minibatch_size),
                    "Rows of a minibatch",
                    class_name="gv-sizes",
                ),
                html.P("These minibatches were recorded with the run.", className="gv-no-sizes gv-sub"),
            ),
            group(
                "Model in",
                segmented(ids.MODE, {"eval": "eval mode", "train": "train mode"}, view.mode, "Mode of the model"),
                html.Div(
                    [
                        segmented(
                            ids.MASKS,
                            {"fresh": "fresh", "frozen": "frozen", "averaged": "averaged"},
                            view.masks,
                            "Dropout masks",
                        ),
                        dmc.NumberInput(
                            id=ids.SEED,
                            value=view.seed,
                            min=0,
                            max=2**32 - 1,
                            allowDecimal=False,
                            size="xs",
                            prefix="seed ",
                            debounce=400,
                            **label("Seed of the dropout masks"),
                        ),
                    ],
                    id="masks-group",
                    className="gv-masks",
                ),
            ),
            group(
                "Grid",
                html.Div(
                    [
                        dmc.NumberInput(
                            id=ids.HALF_WIDTH,
                            value="",
                            placeholder=f"± {WIDTHS['parameters']}",
                            min=0.000001,
                            max=100,
                            step=0.05,
                            size="xs",
                            prefix="± ",
                            debounce=400,
                            **label("Half width of the grid, in units of the axes"),
                        ),
                        dmc.Select(
                            id=ids.POINTS,
                            data=[
                                {"value": "auto", "label": "automatic"},
                                *({"value": str(n), "label": f"{n} × {n}"} for n in (11, 21, 31, 41)),
                            ],
                            value="auto",
                            allowDeselect=False,
                            size="xs",
                            **label("Points of the grid"),
                        ),
                    ],
                    className="gv-two",
                ),
            ),
            drawing(view),
        ],
        className="gv-sidebar",
        id=ids.SIDEBAR,
    )


def _pair(side: str) -> Component:
    choosers = [
        html.Div(
            id=f"chooser-{axis}_{side}",
            className="gv-island gv-chooser",
            **{"data-symbol": symbol, "data-label": f"{SIDES[side]}: parameter or direction {symbol}"},  # pyright: ignore[reportArgumentType]  (html takes data-*)
        )
        for axis, symbol in (("x", "x₁"), ("y", "x₂"))
    ]
    layers = {"0": "0", "1": "1", "2": "2", "output": "output"}  # until the runs are known
    name = f"{SIDES[side]}: first two biases of layer"
    return group(
        SIDES[side],
        html.Button(
            "directions…",
            className="gv-pick gv-pick-directions",
            **{"data-directions": side, "aria-haspopup": "dialog"},  # pyright: ignore[reportArgumentType]  (html takes data-* and aria-*)
            **label(f"{SIDES[side]}: choose directions…"),
        ),
        html.Button(
            "pick…",
            className="gv-pick",
            **{"data-pick": side, "aria-haspopup": "dialog"},  # pyright: ignore[reportArgumentType]  (html takes data-* and aria-*)
            **label(f"{SIDES[side]}: pick two units"),
        ),
        segmented(ids.LAYER[side], layers, "", name, class_name="gv-layer-buttons"),
        html.Div(
            id=ids.LAYER_LISTS[side],
            className="gv-island gv-layer-lists",
            **{"data-label": name},  # pyright: ignore[reportArgumentType]  (html takes data-*)
        ),
        *choosers,
        html.Div(id=ids.PAIR_LINES[side], className="gv-island gv-pair-line"),
        class_name=f"gv-pair gv-pair-{side}",
    )
