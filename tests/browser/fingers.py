"""Fingers on a page, as the browser tells them."""

from playwright.sync_api import CDPSession, Page

Point = tuple[float, float]


class Fingers:
    """One or more fingers; a point for each, in pixels of the window."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def tap(self, at: Point) -> None:
        self._send("touchStart", [at])
        self._send("touchEnd", [])

    def drag(self, start: Point, end: Point, steps: int = 8) -> None:
        """One finger goes straight from one point to the other."""
        self.move([(start, end)], steps)

    def move(self, ways: list[tuple[Point, Point]], steps: int = 8) -> None:
        """Each finger goes its own way, all at once."""
        self._send("touchStart", [start for start, _ in ways])
        for step in range(1, steps + 1):
            self._send("touchMove", [_between(start, end, step / steps) for start, end in ways])
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[Point]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


def middle_of(page: Page, selector: str) -> Point:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
