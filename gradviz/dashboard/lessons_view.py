"""Where lessons open: the button in the header, and their place beside the pictures."""

from typing import Any

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import label


def lessons_button() -> Component:
    """`assets/page/bringlessons.js` listens to it."""
    said: Any = {"data-lessons": "list", "aria-controls": ids.LESSON}
    return html.Button("Lessons", className="gv-button gv-lessons-button", **said)


def lesson() -> Component:
    """A lesson, or their list; `assets/views/lesson.js` fills it."""
    return html.Aside(id=ids.LESSON, className="gv-island gv-lesson", hidden=True, **label("Lesson"))
