"""Where the page's scripts and styles lie."""

from pathlib import Path

import gradviz

STANDALONE = "standalone"
"""The folder within, of what pages that stand alone have and the dashboard has not."""


def assets_folder() -> Path:
    """`assets/` of the repository, or, of an installed package, the copy that lies within it."""
    package = Path(gradviz.__file__).parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"
