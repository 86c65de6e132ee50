"""Compare: what pictures side by side share, and what each may have for itself."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, shoot, wait_until_drawn
from tests.browser.reading import caption, gradients, plotly, trace, wait_for_view

pytestmark = pytest.mark.browser


def ends(page: Page) -> list[tuple[float, float]]:
    """The two ends of each picture's colours."""
    quivers = [trace(page, "quiver", slot) for slot in range(3)]
    return [(quiver["cmin"], quiver["cmax"]) for quiver in quivers if quiver]


@pytest.mark.slow
def test_scales_are_one_or_free(visit: Visit) -> None:
    page = visit("/?view=compare&epoch=4")
    assert len(set(ends(page))) == 1
    page.locator("#scales").get_by_text("free").click()
    expect(page.locator("#scale")).to_be_empty()
    wait_until_drawn(page)
    assert len(set(ends(page))) == 3
    expect(page).to_have_url(re.compile("scales=free"))


def test_a_unit_that_is_dead_in_one_model_is_not_called_dead_for_all(visit: Visit) -> None:
    page = visit("/?epoch=4")
    activity = page.evaluate("async () => (await (await fetch('api/v1/activity/none/4')).json()).layers")
    layer, unit = next((k, n) for k, shares in enumerate(activity) for n, share in enumerate(shares) if share == 0)
    page.get_by_label("Left picture: parameter or direction x₁", exact=True).fill(f"hidden.{layer}.linear.bias[{unit}]")
    page.keyboard.press("Enter")
    expect(page.locator("#chooser-x_a .gv-note")).to_have_text("dead")
    page.locator("#view").get_by_text("Compare").click()
    expect(page.locator("#chooser-x_a .gv-note")).to_have_text("")


def test_the_difference_to_a_reference_is_drawn_and_named(visit: Visit) -> None:
    page = visit("/?view=compare&epoch=4&points=11")
    fields = [gradients(page, slot) for slot in range(3)]
    page.get_by_role("textbox", name="Subtracted from the other fields").click()
    page.get_by_role("option", name="Dropout").click()
    expect(page.locator("#title-0 h2")).to_have_text("None − Dropout")
    expect(page.locator("#title-1 h2")).to_have_text("Dropout")
    expect(page.locator("#title-2 h2")).to_have_text("BatchNorm − Dropout")
    wait_until_drawn(page)
    np.testing.assert_array_equal(gradients(page, 1), fields[1])
    zeros = [np.array(page.evaluate(_IS_ZERO, slot), bool) for slot in range(3)]
    for slot in (0, 2):
        vectors = [np.where(zeros[k][:, None], 0, fields[k][:, 2:4]) for k in (slot, 1)]
        np.testing.assert_allclose(gradients(page, slot)[:, 2:4], vectors[0] - vectors[1], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(gradients(page, slot)[:, 5], fields[slot][:, 5] - fields[1][:, 5], atol=1e-4)
        assert plotly(page, slot)["colourBar"] == "log10 |Δ∇J|"
        one_sided = int((zeros[slot] != zeros[1]).sum())
        assert (f"At {one_sided} of 121 points one of the two is zero" in caption(page, slot)) == (one_sided > 0)
    expect(page).to_have_url(re.compile("minus=dropout"))
    shoot(page, "difference-light-1280")


_IS_ZERO = "(slot) => window.gradvizPage.numbers(slot).epochs[4].isZero"


def test_where_two_fields_are_equal_there_is_no_difference(visit: Visit) -> None:
    """Before the first step, none and dropout have the same weights; in eval mode the same gradients."""
    page = visit("/?view=compare&epoch=0&compared=none,dropout&minus=none")
    expect(page.locator("#veil-1")).to_contain_text("equal up to round-off")
    assert "At 441 of 441 points" in caption(page, 1)


def test_no_difference_is_offered_where_a_variant_lacks_the_parameters(visit: Visit) -> None:
    page = visit("/?view=compare&epoch=4&compared=dropout,batchnorm")
    expect(page.get_by_role("textbox", name="Subtracted from the other fields")).to_be_enabled()
    page = visit(
        "/?view=compare&epoch=4&variant=batchnorm&x1=hidden.1.norm.bias[0]&y1=hidden.1.norm.bias[1]",
        drawn=False,
        lenient=True,  # the browser complains of the server's refusals
    )
    wait_for_view(page, view="compare")
    expect(page.get_by_role("textbox", name="Subtracted from the other fields")).to_be_disabled()


@pytest.mark.parametrize("view", ["compare", "minibatches&panel=rows"])
def test_the_scale_of_the_loss_lies_on_no_words_of_the_axes(visit: Visit, view: str) -> None:
    page = visit(f"/?view={view}&size=16&epoch=3", width=1280, height=720)
    # The plot follows its place a moment after the words above it have come.
    page.wait_for_function(
        """() => Math.abs(document.querySelector("#graph-0 .main-svg").getBoundingClientRect().height
          - document.getElementById("graph-0").clientHeight) < 1"""
    )
    words = page.evaluate(
        """() => {
          const parts = ":is(#ground-0 > :not(.gv-ground-ends), #ground-0 .gv-ground-ends > *)";
          const scale = [...document.querySelectorAll(parts)].filter((one) => one.checkVisibility());
          const axes = [...document.querySelectorAll("#graph-0 :is(.xtick text, .ytick text, .xtitle, .ytitle)")];
          return [scale, axes].map((all) => all.map((one) => {
            const { left, right, top, bottom } = one.getBoundingClientRect();
            return { left, right, top, bottom, text: one.textContent };
          }));
        }"""
    )
    scale, axes = words
    assert len(scale) == 4
    assert len(axes) > 6
    over = [
        (one["text"], other["text"])
        for one in scale
        for other in axes
        if one["left"] < other["right"]
        and other["left"] < one["right"]
        and one["top"] < other["bottom"] - 1
        and other["top"] < one["bottom"] - 1
    ]
    assert over == []
