"""matplotlib as still pictures are drawn with it: by objects, on a canvas of our own, whatever the environment says.

Every part of matplotlib that is drawn with is named here and imported from here. MPLBACKEND as a notebook's kernel sets
it, or a MATPLOTLIBRC that cannot be read, end the plain import; a matplotlibrc that can be read would change the
pictures; and what it sets is global, so that two threads would draw in each other's colours.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    import matplotlib
except (ValueError, OSError):  # a backend or a file named by the environment that matplotlib does not take
    for _name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[_name]  # the parts that know the half-made package
    _unusable = {name: os.environ.pop(name) for name in ("MPLBACKEND", "MATPLOTLIBRC") if name in os.environ}
    try:
        import matplotlib
    finally:
        os.environ.update(_unusable)

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_hex, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.quiver import Quiver
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection

__all__ = [
    "Artist", "Axes", "Axes3D", "Bbox", "Colormap", "Figure", "FigureCanvasAgg", "Line3DCollection",
    "LinearSegmentedColormap", "MaxNLocator", "Normalize", "PathCollection", "Poly3DCollection", "Quiver",
    "ScalarMappable", "SubFigure",
    "colormap", "styled", "to_hex", "to_rgb",
]  # fmt: skip

# As matplotlib ships them; the backend is who shows figures in windows, which we never do.
_DEFAULTS: dict[Any, Any] = {
    name: value for name, value in dict.items(matplotlib.rcParamsDefault) if not name.startswith("backend")
}
_drawing = threading.RLock()


@contextmanager
def styled(style: Mapping[Any, Any]) -> Iterator[None]:
    """Within, one thread at a time draws in this style over matplotlib's own defaults. Costs some milliseconds."""
    with _drawing, matplotlib.rc_context({**_DEFAULTS, **style}):
        yield


def colormap(name: str) -> Colormap:
    return matplotlib.colormaps[name]
