"""A stranger's walk: an own network, recorded in an own training, and a transformer that ships, on the same page."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

import gradviz
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.addition.study import STUDY as ADDITION
from gradviz.experiment.studies.addition.study import rows
from gradviz.experiment.study_loading import load_study
from tests.browser.boxes import axe_finds
from tests.browser.conftest import Serve, Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import (
    caption,
    gradients,
    numbers_of,
    plotly,
    reading,
    spread_of,
    view_of,
    wait_for_minibatches,
    wait_for_view,
)
from tests.browser.test_exports import open_dialog, press

pytestmark = pytest.mark.browser

NUM_MINIBATCHES = 50
ROWS = 8
EPOCHS = 2
WEIGHTS = ("conv2.weight[1,0,1,1]", "conv2.weight[2,1,0,2]")

# As somebody writes it who has read docs/your-network.md.
NETWORK = """
import torch
import torch.nn.functional as F

import gradviz


class SmallCNN(torch.nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(width, 2 * width, 3, padding=1)
        self.fc = torch.nn.Linear(2 * width * 4, 3)

    def forward(self, images):
        images = F.max_pool2d(F.relu(self.conv1(images)), 2)
        images = F.max_pool2d(F.relu(self.conv2(images)), 2)
        return self.fc(images.flatten(1))


def loss(model, batch):
    images, labels = batch
    return F.cross_entropy(model(images), labels, reduction="none")


def facts(model, batch):
    images, labels = batch
    share = (model(images).argmax(1) == labels).double().mean().item()
    return (gradviz.Fact("accuracy", share, "", f"{share:.0%} of the images are classified correctly"),)


study = gradviz.Study("shapes", SmallCNN, loss, facts=facts)
"""

Batch = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(scope="module")
def strangers_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of an own network with two optimizers, and of addition; none of deliveries. study.py lies beside them."""
    path = tmp_path_factory.mktemp("stranger") / "runs"
    path.mkdir()
    (path.parent / "study.py").write_text(NETWORK)
    study: gradviz.Study = runpy.run_path(str(path.parent / "study.py"))["study"]
    torch.manual_seed(0)
    images = torch.randn(NUM_MINIBATCHES * ROWS, 1, 8, 8)
    sides = torch.stack(
        [images[..., :4].mean((1, 2, 3)), images[..., 4:].mean((1, 2, 3)), images[..., 3:5, :].mean((1, 2, 3))]
    )
    batches = list(zip(images.split(ROWS), sides.argmax(0).split(ROWS), strict=True))
    for name, optimizer in {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}.items():
        torch.manual_seed(1)
        _record(study, path / name, batches, optimizer)
    (tokens, answers), _ = rows(0)
    _record(
        ADDITION,
        path / "addition",
        list(zip(tokens.split(ROWS)[:6], answers.split(ROWS)[:6], strict=True)),
        torch.optim.Adam,
    )
    return path


def _record(study: Any, path: Path, batches: list[Batch], optimizer: Any) -> None:
    model = study.model()
    steps = optimizer(model.parameters(), lr=0.01)
    with gradviz.record(study, model, path, minibatches=batches, settings={"optimizer": path.name}) as run:
        for _ in range(EPOCHS):
            losses = []
            for batch in batches:
                steps.zero_grad()
                mean = study.loss(model, batch).mean()
                mean.backward()
                steps.step()
                losses.append(mean.item())
            run.epoch(train_loss=np.mean(losses), test_loss=losses[-1], accuracy=0.5)


@pytest.fixture(scope="module")
def stranger(strangers_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"GRADVIZ_STUDY": _named(strangers_runs)}
    running = Server(strangers_runs, tmp_path_factory.mktemp("stranger-cache"), settings=settings)
    running.start()
    yield running
    running.stop()


def _named(runs: Path) -> str:
    return f"{runs.parent / 'study.py'}:study"


def gradient_of(runs: Path, name: str, minibatch: int) -> tuple[list[float], float]:
    """By the two weights at the last checkpoint, and the loss: autograd alone."""
    run = RunStore(runs, load_study(_named(runs))).study_run(name)
    model = run.model(EPOCHS)
    loss = run.study.loss(model, run.minibatch(minibatch)).mean()
    weight = model.get_parameter("conv2.weight")
    (gradient,) = torch.autograd.grad(loss, weight)
    return [gradient[1, 0, 1, 1].item(), gradient[2, 1, 0, 2].item()], loss.item()


def choose_weights(page: Page) -> None:
    for field, name in zip(("x_a", "y_a"), WEIGHTS, strict=True):
        page.locator(f"#chooser-{field} input").fill(name)
        page.keyboard.press("Enter")
    wait_for_view(page, x_a=WEIGHTS[0], y_a=WEIGHTS[1])
    wait_until_drawn(page)


def nothing_of_deliveries(page: Page) -> None:
    text = page.locator("body").inner_text()
    for word in ("Dropout", "BatchNorm", "below target", "hidden layer", "mean |error|", "deliveries"):
        assert word not in text, word


def test_a_landscape_of_two_weights_of_an_own_network(visit: Visit, stranger: Server, strangers_runs: Path) -> None:
    page = visit("/?points=11&variant=adam", at=stranger)
    expect(page.locator("#status")).to_have_text("3 runs")
    expect(page.locator("#layer-a label")).to_have_text(["conv1", "conv2", "fc"])
    nothing_of_deliveries(page)
    name = page.locator("#chooser-x_a input")
    name.fill("conv3.weight[0]")
    page.keyboard.press("Enter")
    expect(page.locator(".gv-notice")).to_contain_text(
        "This model has no conv3.weight: it has conv1.weight, conv1.bias,"
    )
    name.fill("conv2.weight")
    page.keyboard.press("Enter")
    expect(page.locator(".gv-notice")).to_contain_text("write it as conv2.weight[0,0,0,0].")
    choose_weights(page)
    expect(page.locator(".gv-notice")).to_have_count(0)
    expect(page.locator("#title-0")).to_contain_text("conv2")
    expect(page.locator("#title-0")).to_contain_text(f"minibatch 0 ({ROWS} rows)")
    assert plotly(page)["xTitle"] == "Δ w[1,0,1,1] of conv2"
    expected, loss = gradient_of(strangers_runs, "adam", 0)
    frame = numbers_of(page)
    centre = len(frame["u"]) // 2
    # Two float32 computations of one number, in different orders.
    np.testing.assert_allclose([frame["u"][centre], frame["v"][centre]], expected, rtol=1e-4, atol=1e-6)
    assert frame["loss"][centre] == pytest.approx(loss, rel=1e-5)
    assert "% of the images are classified correctly." in caption(page)
    assert "∂J/∂x₁" in reading(page)
    shoot(page, "stranger-explore")
    page.locator("#layer-a").get_by_text("fc", exact=True).click()
    wait_for_view(page, x_a="fc.bias[0]", y_a="fc.bias[1]")
    page.go_back()
    wait_for_view(page, x_a=WEIGHTS[0], y_a=WEIGHTS[1])
    wait_until_drawn(page)


def test_two_optimizers_side_by_side(visit: Visit, stranger: Server) -> None:
    page = visit(f"/?points=11&variant=adam&x1={WEIGHTS[0]}&y1={WEIGHTS[1]}", at=stranger)
    page.locator("#view").get_by_text("Compare").click()
    wait_for_view(page, view="compare")
    page.wait_for_function("() => window.gradvizPage.panels.length === 2")
    wait_until_drawn(page)
    expect(page.locator("#title-0 h2")).to_have_text("adam")
    expect(page.locator("#title-1 h2")).to_have_text("sgd")
    assert [plotly(page, slot)["xTitle"] for slot in (0, 1)] == ["Δ w[1,0,1,1] of conv2"] * 2
    assert not np.array_equal(numbers_of(page, 0)["u"], numbers_of(page, 1)["u"])
    expect(page.locator("#families button")).to_have_text(["loss", "accuracy"])
    page.locator("#families").get_by_role("button", name="accuracy").click()
    page.wait_for_function(
        "() => document.querySelector('#loss .js-plotly-plot')?._fullLayout?.yaxis.title.text === 'accuracy'"
    )
    wait_for_view(page, metric="accuracy")
    shoot(page, "stranger-compare")
    page.go_back()
    wait_for_view(page, metric="")
    # Runs of another network have other parameters: what is shown is theirs.
    page.locator("#compared input[value=addition]").click()
    expect(page.locator("#veil-1")).to_contain_text(f"This model has no {WEIGHTS[0].split('[')[0]}")
    for name in ("adam", "sgd"):
        page.locator(f"#compared input[value={name}]").click()
    wait_for_view(page, run="addition")
    wait_until_drawn(page)
    assert view_of(page)["x_a"].startswith("blocks.0.")


@pytest.mark.slow
def test_all_recorded_minibatches(visit: Visit, stranger: Server, strangers_runs: Path) -> None:
    page = visit(f"/?view=minibatches&points=5&variant=sgd&x1={WEIGHTS[0]}&y1={WEIGHTS[1]}", at=stranger)
    wait_for_minibatches(page, NUM_MINIBATCHES)
    expect(page.locator("#spread-words h2")).to_have_text(f"{NUM_MINIBATCHES} minibatches, recorded with the run")
    expect(page.locator("#spread-words")).to_contain_text("accuracy =")
    expect(page.locator("#spread-words")).to_contain_text(f"on average ({NUM_MINIBATCHES} × {ROWS} rows)")
    expect(page.locator("#size")).to_be_hidden()  # what was recorded has its own
    expect(page.locator(".gv-no-sizes")).to_be_visible()
    arrows = spread_of(page)["arrows"]
    for minibatch in (0, 17, NUM_MINIBATCHES - 1):
        expected, _ = gradient_of(strangers_runs, "sgd", minibatch)
        np.testing.assert_allclose([arrows[minibatch]["u"], arrows[minibatch]["v"]], expected, rtol=1e-4, atol=1e-6)
    for part, name in (("layer", "conv2"), ("biases", "biases of conv2"), ("model", "whole model")):
        page.locator("#part").get_by_text(part, exact=True).click()
        expect(page.locator("#matrix-note")).to_contain_text(f"{name}: R ")
    shoot(page, "stranger-minibatches")
    nothing_of_deliveries(page)


def test_units_and_pairs_are_picked(visit: Visit, stranger: Server) -> None:
    page = visit("/?points=5&variant=adam", at=stranger)
    page.locator("[data-pick=a]").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox", name="Layer")).to_contain_text("conv2, 8 units")
    page.wait_for_function("() => window.gradvizPage.units.length === 4")
    shoot(page, "stranger-picker")
    dialog.get_by_role("combobox", name="Layer").select_option(label="conv2, 8 units")
    page.wait_for_function("() => window.gradvizPage.units.length === 8")
    units = page.get_by_label("Map of the units")
    units.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    wait_until_drawn(page)
    assert {view_of(page)[field].split("[")[0] for field in ("x_a", "y_a")} == {"conv2.bias"}


def test_what_is_taken_along_is_whole(
    visit: Visit, stranger: Server, browser: Browser, tmp_path: Path, strangers_runs: Path
) -> None:
    page = visit(f"/?points=11&variant=adam&x1={WEIGHTS[0]}&y1={WEIGHTS[1]}", at=stranger)
    open_dialog(page)
    with np.load(press(page, f"NPZ of conv2, {WEIGHTS[0]} and {WEIGHTS[1]}", tmp_path)) as got:
        expected, _ = gradient_of(strangers_runs, "adam", 0)
        np.testing.assert_allclose([got[name][5, 5] for name in ("u", "v")], expected, rtol=1e-4, atol=1e-6)
    path = press(page, "HTML", tmp_path)
    alone = browser.new_context(offline=True)
    try:
        opened = alone.new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda message: complaints.append(message.text))
        opened.goto(path.as_uri())
        opened.wait_for_function(f"() => document.getElementById('panels').children[0]?.dataset.index === '{EPOCHS}'")
        np.testing.assert_allclose(gradients(opened), gradients(page), rtol=1e-6)
        expect(opened.locator("#title-0 h2")).to_have_text("conv2")
        assert opened.locator("#caption-0").inner_text() == caption(page)
        nothing_of_deliveries(opened)
        assert complaints == []
    finally:
        alone.close()


def test_addition_before_and_after(visit: Visit, stranger: Server) -> None:
    page = visit("/?points=5&variant=addition&x1=token.weight[0,0]&y1=token.weight[1,0]", at=stranger)
    layers = page.get_by_label("Left picture: first two biases of layer").and_(page.locator("select"))
    expect(layers).to_be_visible()  # too many for buttons
    expect(page.locator("#layer-a")).to_be_hidden()
    assert page.evaluate("() => document.querySelector('#layers-a select').value") == "token"
    layers.select_option("blocks.0.key")
    wait_for_view(page, x_a="blocks.0.key.bias[0]")
    wait_until_drawn(page)
    # A bias of the keys adds the same to all of a query's scores, which the softmax takes out.
    expect(page.locator("#veil-0")).to_contain_text("zero")
    layers.select_option("head")
    wait_for_view(page, x_a="head.bias[0]")
    wait_until_drawn(page)
    after = numbers_of(page)
    page.locator("#scrubber input").focus()
    page.keyboard.press("Home")
    wait_for_view(page, epoch=0)
    wait_until_drawn(page)
    assert not np.array_equal(numbers_of(page)["u"], after["u"])
    assert "rows are classified correctly." in caption(page)
    shoot(page, "stranger-addition")
    nothing_of_deliveries(page)


def test_evidence_asks_what_these_runs_allow_and_says_why_not_the_rest(visit: Visit, stranger: Server) -> None:
    page = visit("/?view=evidence", at=stranger, drawn=False)
    claims = page.locator("#evidence-claims article")
    expect(claims.first.locator("h3")).to_have_text(re.compile("^(shapes|addition): Do minibatches agree"))
    absent = page.get_by_label("Claims that are not asked of these runs")
    expect(absent).to_contain_text("shapes: Does dropout make the landscape rough?")
    expect(absent).to_contain_text("The study shapes has no run whose model draws masks")


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "view",
    [
        "explore",
        "minibatches",
        *(pytest.param(view, marks=pytest.mark.slow) for view in ("compare", "evidence", "training")),
    ],
)
def test_axe_finds_nothing_to_mend(visit: Visit, stranger: Server, view: str, scheme: str) -> None:
    page = visit(
        f"/?view={view}&points=5&variant=addition", at=stranger, scheme=scheme, drawn=view in ("explore", "compare")
    )
    expect(page.locator("#status")).to_have_text("3 runs")
    assert axe_finds(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_fit_any_window(visit: Visit, stranger: Server, width: int, scheme: str) -> None:
    height = {390: 844, 768: 1024, 1280: 720, 1920: 1080}[width]
    for view in ("explore", "compare", "minibatches", "training"):
        drawn = view in ("explore", "compare")
        page = visit(f"/?view={view}&variant=adam", at=stranger, width=width, height=height, scheme=scheme, drawn=drawn)
        expect(page.locator("#status")).to_have_text("3 runs")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        shoot(page, f"stranger-{view}-{width}-{scheme}")


@pytest.mark.slow
def test_a_run_whose_study_is_not_loaded_says_so_and_shows_its_curves(
    visit: Visit, strangers_runs: Path, own_server: Serve
) -> None:
    page = visit("/?variant=adam", at=own_server(strangers_runs), drawn=False)
    expect(page.locator("#veil-0")).to_contain_text("name its file with `--study FILE.py:NAME`")
    page.wait_for_function("() => document.querySelector('#loss .js-plotly-plot')?._fullData?.length > 0")
    page.locator("#variant input[value=addition]").click()
    wait_until_drawn(page)  # it ships
    nothing_of_deliveries(page)
