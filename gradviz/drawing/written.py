"""A drawn figure as a file for print or screen: the same figure gives the same bytes, and text stays text."""

import io
from typing import Any

from gradviz.drawing.canvas import Figure
from gradviz.drawing.choices import Still


def figure_bytes(figure: Figure, kind: Still, title: str, caption: str = "", *, dots_per_inch: float = 160) -> bytes:
    """A png with so many dots per inch, svg or pdf, which says in its metadata what it is of (`title`) and under which
    conditions (`caption`). Within `styled` by `still_style`, which keeps fonts whole."""
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=dots_per_inch, metadata=_metadata(kind, title, caption))
    return content.getvalue()


def _metadata(kind: Still, title: str, caption: str) -> dict[str, Any]:
    """Without dates and versions, which would differ from time to time."""
    match kind:
        case "pdf":
            told = {"Title": title, "Subject": caption, "Creator": "gradviz"}
            return told | {"CreationDate": None, "Producer": None}
        case "svg":
            return {"Title": title, "Description": caption, "Creator": "gradviz", "Date": None}
        case "png":
            return {"Title": title, "Description": caption, "Software": None}
