"""Lessons in the page: walked by keys, kept by Back and reload, honest where a run does not show what is told."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from gradviz.dashboard.lessons import lessons_at_hand
from tests.browser.boxes import axe_finds
from tests.browser.conftest import Serve, Visit, shoot, wait_until_drawn

FRONT = "---\ntitle: {title}\nsummary: One.\nminutes: 1\n---\n"
OWN = """
## Where it begins

```view
epoch: first
```

Epoch {{epoch}}, minibatch {{minibatch}}: the arrow's length is {{length}}.

```question
ask: Is it longer than **a kilometre**?
choices: [yes it is, "no"]
answer: 2
```

It is not.

```shows
length > 0
```

## Minibatches

```view
epoch: last
x1: live hidden.1.linear.bias
y1: live hidden.1.linear.bias
```

This is about {{x}}.

```question
try: Move the minibatch.
done: minibatch != 0
```

It turns by {{turn}}.

## Too much

```view
view: minibatches
epoch: last
```

All of them.

```question
ask: Do they agree?
choices: [wholly, not quite]
answer: 2
```

They do not.

```shows
R > 2
```

## A run that is not here

```view
run: adam
```

It waits.
"""


@pytest.fixture
def own(trained: Path, own_server: Serve, tmp_path: Path):
    """A server with lessons of its own, one of which is broken."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "1-mine.md").write_text(FRONT.format(title="My lesson") + OWN)
    (folder / "2-broken.md").write_text(FRONT.format(title="Bad") + "\n## A\n\n{{nothing}}\n")
    return own_server(trained, GRADVIZ_LESSONS=str(folder))


def heading(page: Page) -> str:
    return page.locator(".gv-lesson-title").inner_text()


def at_step(page: Page, number: int) -> None:
    """Until the step is on show with its own picture, and its heading has the focus."""
    expect(page.locator(".gv-lesson-title")).to_have_attribute("aria-label", re.compile(f"^Step {number} of "))
    expect(page.locator(".gv-lesson-title")).to_be_focused()


def test_a_lesson_is_walked_by_keys_alone(visit: Visit, own):
    page = visit("/", at=own)
    page.get_by_role("button", name="Lessons", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Lessons", exact=True)).to_be_focused()
    page.get_by_role("button", name="My lesson").focus()
    page.keyboard.press("Enter")
    at_step(page, 1)
    page.wait_for_function("() => window.gradvizPage.view.epoch === 0")
    wait_until_drawn(page)
    assert "lesson=mine" in page.url
    expect(page.locator(".gv-lesson-text").first).not_to_contain_text("—")
    expect(page.get_by_text("It is not.")).to_have_count(0)
    page.keyboard.press("Tab")  # the first choice: nothing before it takes the focus but the text itself
    while not page.evaluate("document.activeElement.matches('input[type=radio]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not quite: no.")).to_be_visible()
    expect(page.get_by_text("It is not.")).to_be_visible()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("PageDown")
    at_step(page, 2)
    page.keyboard.press("PageUp")
    at_step(page, 1)
    page.keyboard.press("Escape")
    expect(page.locator("#lesson")).to_be_hidden()
    expect(page.get_by_role("button", name="Lessons", exact=True)).to_be_focused()
    assert "lesson" not in page.url


def test_the_reader_s_hand_reveals_and_reload_and_back_keep_the_place(visit: Visit, own):
    page = visit("/?lesson=mine&step=2", at=own)
    expect(page.locator(".gv-lesson-title")).to_have_text("Minibatches")
    page.wait_for_function("() => window.gradvizPage.view.x_a.startsWith('hidden.1.linear.bias')")
    page.wait_for_function("() => location.search.includes('epoch=6')")
    view = page.evaluate("window.gradvizPage.view")
    assert view["epoch"] == 6
    assert page.locator("[data-name=x]").inner_text() == view["x_a"]
    page.locator("#minibatch-scrubber input").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("It turns by")).to_be_visible()
    expect(page.locator("[data-name=turn]")).to_have_text(re.compile(r"\d°$"))
    page.wait_for_function("() => location.search.includes('minibatch=1')")
    page.reload()
    expect(page.locator(".gv-lesson-title")).to_have_text("Minibatches")
    expect(page.get_by_text("It turns by")).to_be_visible()
    assert page.evaluate("window.gradvizPage.view.minibatch") == 1
    page.get_by_role("button", name="Back to this step's picture").click()
    page.wait_for_function("() => window.gradvizPage.view.minibatch === 0")
    expect(page.get_by_text("It turns by")).to_have_count(0)
    page.get_by_role("button", name="Show me").click()
    expect(page.get_by_text("It turns by")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    at_step(page, 3)
    page.go_back()
    at_step(page, 2)
    page.wait_for_function("() => window.gradvizPage.view.minibatch === 1")


def test_a_condition_that_does_not_hold_is_said_with_its_number(visit: Visit, own):
    page = visit("/?lesson=mine&step=3", at=own, drawn=False)
    page.get_by_label("not quite").check()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("Yes.")).to_be_visible()
    said = page.locator(".gv-lesson-unmet")
    expect(said).to_contain_text(re.compile(r"R of the minibatches' arrows is >?\d\.\d\d; .* needs more than 2\.00"))
    expect(page.get_by_text("They do not.")).to_have_count(0)
    page.get_by_role("button", name="Next").click()
    at_step(page, 4)
    expect(page.locator(".gv-lesson-waits")).to_contain_text("needs the run adam")


def test_the_list_names_a_broken_file_and_shows_the_others(visit: Visit, own):
    page = visit("/", at=own)
    page.get_by_role("button", name="Lessons", exact=True).click()
    expect(page.locator(".gv-lesson-broken")).to_contain_text(
        "2-broken.md, step 1 “A”: text: `nothing` names no number"
    )
    expect(page.locator(".gv-lesson-row")).to_have_count(len(lessons_at_hand(None).lessons) + 1)


def test_an_unknown_lesson_of_a_link_is_named(visit: Visit):
    page = visit("/?lesson=nothing", lenient=True)
    expect(page.locator("#lesson")).to_contain_text("There is no lesson `nothing`")


def test_the_player_is_loaded_only_when_it_is_wanted(visit: Visit):
    page = visit("/")
    loaded = "performance.getEntriesByType('resource').filter(({ name }) => /bundles.lessons/.test(name)).length"
    assert page.evaluate(loaded) == 0
    page.get_by_role("button", name="Lessons", exact=True).click()
    expect(page.locator(".gv-lesson-list")).to_be_visible()
    assert page.evaluate(loaded) == 1


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [
        (390, 844, "dark"),
        (1280, 720, "light"),
        pytest.param(390, 844, "light", marks=pytest.mark.slow),
        pytest.param(768, 1024, "light", marks=pytest.mark.slow),
        pytest.param(768, 1024, "dark", marks=pytest.mark.slow),
        pytest.param(1280, 720, "dark", marks=pytest.mark.slow),
    ],
)
def test_a_step_fits_its_window_and_is_accessible(visit: Visit, own, width: int, height: int, scheme: str):
    page = visit("/?lesson=mine&step=1", at=own, width=width, height=height, scheme=scheme)
    page.get_by_label("no", exact=True).check()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("It is not.")).to_be_visible()
    shoot(page, f"lesson-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_finds(page, context="#lesson") == []


NEEDY = """
## Anything

Some words.

## With dropout

```view
needs: dropout
run: dropout
epoch: first
```

More words.
"""


def test_a_step_that_is_opened_before_the_runs_are_known_shows_its_picture_when_they_are(
    visit: Visit, own, tmp_path: Path
):
    (tmp_path / "own" / "3-needy.md").write_text(FRONT.format(title="Needy") + NEEDY)
    page = visit("/", at=own)
    held: list[Route] = []
    are_told: list[bool] = []
    page.route("**/api/v1/runs", lambda route: route.continue_() if are_told else held.append(route))
    page.goto(f"{own.url}/?lesson=needy&step=1")
    page.get_by_role("button", name="Next").click()
    at_step(page, 2)
    are_told.append(True)
    for route in held:
        route.continue_()
    expect(page).to_have_url(re.compile("variant=dropout&epoch=0"))
    wait_until_drawn(page)
    expect(page.locator(".gv-lesson-waits")).to_be_hidden()


def test_what_a_step_asks_for_is_not_done_while_its_picture_is_looked_for(visit: Visit):
    page = visit("/", drawn=False)
    held: list[Route] = []
    is_told: list[bool] = []
    page.route("**/api/v1/activity/**", lambda route: route.continue_() if is_told else held.append(route))
    page.goto(page.url.split("?")[0] + "?lesson=arrow&step=10")  # at the last epoch, where its slider shall be moved
    lesson = page.locator("#lesson")
    expect(lesson.locator(".gv-lesson-waits")).to_contain_text("Looking for units")
    expect(lesson).not_to_contain_text("on their way")
    is_told.append(True)
    for route in held:
        route.continue_()
    expect(page).to_have_url(re.compile("epoch=0"))
    expect(lesson.get_by_role("button", name="Show me")).to_be_visible()
    expect(lesson).not_to_contain_text("on their way")
