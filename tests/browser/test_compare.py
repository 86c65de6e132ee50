"""Compare: what pictures side by side share, and what each may have for itself."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, wait_until_drawn
from tests.browser.reading import trace

pytestmark = pytest.mark.browser


def ends(page: Page) -> list[tuple[float, float]]:
    """The two ends of each picture's colours."""
    quivers = [trace(page, "quiver", slot) for slot in range(3)]
    return [(quiver["cmin"], quiver["cmax"]) for quiver in quivers if quiver]


def test_scales_are_one_or_free(visit: Visit) -> None:
    page = visit("/?view=compare&epoch=4")
    assert len(set(ends(page))) == 1
    page.locator("#scales").get_by_text("free").click()
    expect(page.locator("#scale")).to_be_empty()
    wait_until_drawn(page)
    assert len(set(ends(page))) == 3
    expect(page).to_have_url(re.compile("scales=free"))
