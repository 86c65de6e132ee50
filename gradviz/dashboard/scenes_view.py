"""The button that opens the gallery of scenes; `assets/views/scenes.js` fills it."""

from dash import html
from dash.development.base_component import Component


def scenes_button() -> Component:
    title = "Views worth opening first, found in your runs"
    opens = {"data-scenes": "all", "aria-haspopup": "dialog"}
    return html.Button("Scenes", type="button", className="gv-button gv-open-scenes", title=title, **opens)  # pyright: ignore[reportArgumentType]
