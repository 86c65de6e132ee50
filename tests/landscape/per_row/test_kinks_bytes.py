"""The bytes of kinks are those that tests/fixtures/kinks.json holds, which the page's decoder reads."""

import base64
import json
from pathlib import Path

import numpy as np

from gradviz.landscape.per_row.net import Net, Site

FIXTURE = Path(__file__).parents[2] / "fixtures" / "kinks.json"


class Grid:
    half_width, points = 1.0, 3


def made() -> dict[str, object]:
    """Three rows, of which the middle one has no line."""
    x, y = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0])
    net = Net([Site("fc: relu", 2), Site("residual")], range(3), Grid(), 100)
    net.add(0, np.array([0, 0, 2]), np.array([0, 1, 1]), np.stack([x - 0.25, x + 2 * y, y + 0.5], 2))
    net.add(1, np.array([0, 1, 2]), np.array([0, 0, 0]), np.stack([y - 0.75, y + 5, x * y - 0.3], 2))
    found, rows = net.kinks("A note."), [12, 5, 30]
    return {
        "answer": base64.b64encode(found.to_bytes(rows=rows)).decode(),
        "rows": rows,
        "lines": [
            [rows[row], found.sites[site], int(unit), int(length)]
            for row, site, unit, length in zip(found.row_L, found.site_L, found.unit_L, found.length_L, strict=True)
        ],
        "segments": np.round(found.segments_M4.astype(float), 9).ravel().tolist(),
    }


def test_the_fixture_is_what_is_sent():
    assert json.loads(FIXTURE.read_text()) == made()
