"""What is written around pictures."""

import io
import math
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from gradviz.drawing import labels
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import draw, figure_of, picture_bytes
from gradviz.experiment.facts import Fact
from gradviz.landscape import LandscapeRequest, ZeroReason, zero_message
from gradviz.landscape.directions.told import AxisFacts, PlaneFacts
from tests.drawing.fields import field_of, random_field
from tests.drawing.test_canvas import REQUEST

OTHER_LAYER = LandscapeRequest.of(run="dropout", epoch=3, x="hidden.1.linear.bias[0]", y="output.bias[0]", minibatch=7)


def texts_of(shown: Shown, look: Look = PLAIN) -> list[str]:
    """All that is written on a picture."""
    figure: Any = figure_of(1, look)
    draw(figure, shown, look)
    axes, *bars = figure.axes
    names = [
        axes.get_xlabel(),
        axes.get_ylabel(),
        axes.get_title(loc="left").strip(),
        *(bar.get_ylabel() for bar in bars),
    ]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    return [*names, *(text.get_text() for text in axes.texts), *legend, figure.get_supxlabel()]


def test_a_picture_says_what_it_shows():
    written = texts_of(Shown(random_field(), OTHER_LAYER))
    assert written == [
        "Δ hidden.1.linear.bias[0]   (checkpoint: 0.5)",
        "Δ output.bias[0]   (checkpoint: 0)",
        "Hidden layer 1 × output layer: dropout",
        "log10 |∇J|   (loss per unit of parameter)",
        "epoch 3 · minibatch 7 (64 rows, 25 % of them below target) · eval mode",
        "gradient zero up to round-off (5 of 25 points)",
        "the checkpoint itself",
        "",
    ]


def test_a_difference_says_from_what_and_counts_from_each_checkpoint():
    written = texts_of(Shown(random_field(), REQUEST, minus="dropout"), Look(direction="descent"))
    assert "Δ hidden.1.linear.bias[0]   (from each checkpoint)" in written
    assert "Hidden layer 1: none − dropout" in written
    assert "log10 |Δ∇J|   (loss per unit of parameter)" in written
    assert "epoch 0 · minibatch 0 (64 rows) · eval mode · −Δ∇J" in written
    assert "equal up to round-off (5 of 25 points)" in written


@pytest.mark.parametrize(
    ("under", "name"),
    [("heat", "{} from 2 (paper) to 10 (grey)"), ("contour", "{}: a line each 0.8, 2.4 to 9.6"), ("none", "")],
)
def test_what_is_under_the_arrows_is_named(under: Any, name: str):
    loss = np.linspace(2, 10, 25).reshape(5, 5)
    assert labels.ground_name(loss, under) == name.format("J")
    assert labels.ground_name(loss, under, is_difference=True) == name.format("ΔJ")
    assert labels.ground_name(np.full((5, 5), 3.0), under) == ""


def test_masks_are_told_where_they_are_drawn():
    request = OTHER_LAYER.model_copy(update={"mode": "train", "masks": "frozen"})
    _, minibatch, mode = labels.facts_of(random_field(), request, draws_masks=True)
    assert minibatch == "minibatch 7 (64 rows, 25 % of them below target (under the masks of the centre))"
    assert mode == "train mode, frozen masks"
    assert labels.facts_of(random_field(), REQUEST.model_copy(update={"mode": "train"}))[2] == "train mode"


def test_a_field_that_is_zero_for_one_reason_says_which():
    zeros = np.zeros((3, 3))
    field = field_of(zeros, zeros, is_zero=np.ones((3, 3)))
    assert zero_message(ZeroReason.DEAD_UNIT) in " ".join(texts_of(Shown(field, REQUEST))[-1].split())
    two = replace(field, v_reason=np.full((3, 3), ZeroReason.NOT_REACHED))
    assert labels.why_all_zero(two) == zero_message(ZeroReason.DEAD_UNIT, ZeroReason.NOT_REACHED)
    codes = np.full((3, 3), ZeroReason.NOT_REACHED)
    codes[1, 1] = codes[0, 2] = ZeroReason.TERMS_CANCEL
    assert labels.reasons_of_all_zero(replace(field, v_reason=codes)) == (ZeroReason.DEAD_UNIT, ZeroReason.NOT_REACHED)
    assert labels.why_all_zero(random_field()) == ""


@pytest.mark.parametrize("direction", ["ascent", "descent"])
def test_descent_is_said(direction: Any):
    written = texts_of(Shown(random_field(), REQUEST), Look(direction=direction))
    assert [text.endswith(" · −∇J") for text in written].count(True) == (direction == "descent")


def test_the_title_of_an_svg_says_how_to_make_it_again():
    root = ElementTree.parse(io.BytesIO(picture_bytes(Shown(random_field(), REQUEST), "svg"))).getroot()
    assert REQUEST.canonical() in [element.text for element in root.iter() if element.tag.endswith("}title")]


def test_what_a_study_tells_is_apart_from_what_was_asked():
    told = (Fact("accuracy", 0.5, sentence="half of the rows are right"), Fact("margin", 2.0))
    field = replace(random_field(), facts=told, share_below=math.nan)
    assert labels.sentences_of(field) == ["half of the rows are right"]
    assert labels.facts_of(field, REQUEST) == ["epoch 0", f"minibatch 0 ({field.num_rows} rows)", "eval mode"]
    facts = f"epoch 0 · minibatch 0 ({field.num_rows} rows) · eval mode\nhalf of the rows are right"
    assert facts in texts_of(Shown(field, REQUEST))
    assert not any("half of" in text for text in texts_of(Shown(field, REQUEST, minus="dropout")))


@pytest.mark.parametrize(
    ("part", "said"),
    [(1.0, "y = 1: as long as x"), (0.37, "y = 1: as long as x: the part of pca:2 across step, 0.37 of it")],
)
def test_how_much_of_y_lies_across_x_is_said_where_it_is_not_all(part: float, said: str):
    x = AxisFacts("step", "the step from epoch 2 to 3", (), 2.0, unit="the step from epoch 2 to 3")
    across = f"as long as x: the part of pca:2 across step, {part:.3g} of it"
    y = AxisFacts("pca:2", across, (), 2.0, unit="as long as x", part=part)
    first, second, share = labels.plane_sentences(PlaneFacts(x, y, (4.0, 0.0, 4.0), 0.5))
    assert (first, second) == ("x = 1: the step from epoch 2 to 3", said)
    assert share == "the plane holds 50 % of the gradient's length at the checkpoint"
