"""The names of axes: one text for links, command lines, caches and pictures."""

import json
import random
from pathlib import Path

import pytest

from gradviz.errors import UserError
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.directions.axis import axis_text, axis_words, is_direction, pair_words, parse_axis

NAMES = ["conv1.weight[3,0,1,2]", "hidden.1.linear.bias[0]", "scale.gain", "blocks.0.attention.qkv.weight[9,3]"]
PREFIXES = ["", "@hidden.1", "@blocks.0.attention", "@output.bias", "@conv_2"]


def any_axis(choose: random.Random) -> str:
    prefix, number = choose.choice(PREFIXES), choose.randrange(100)
    return choose.choice(
        [
            choose.choice(NAMES),
            f"random:{choose.randrange(2**32)}{prefix}",
            f"random-all:{number}{prefix}",
            f"gradient:{choose.choice(['mean', number])}{prefix}",
            f"step{prefix}",
            f"towards:{choose.choice(['none', 'adam-3', 'a_b'])}/{number}",
            f"pca:{number + 1}",
            f"hessian:{number + 1}",
        ]
    )


def test_200_planes_come_back_from_their_text():
    choose = random.Random(0)
    for _ in range(200):
        x, y = any_axis(choose), any_axis(choose)
        if x == y:
            continue
        asked = LandscapeRequest.of(run="none", epoch=1, x=f" {x} ", y=y)
        assert (asked.x, asked.y) == (x, y)
        assert LandscapeRequest.from_json(asked.canonical()) == asked
        assert axis_text(x) == str(parse_axis(x)) == x
        assert asked.half_width == (1 if is_direction(x) or is_direction(y) else 0.1)


def test_the_page_is_told_the_same():
    written = json.loads((Path(__file__).parents[2] / "fixtures" / "axes.json").read_text())
    for each in written["directions"]:
        assert is_direction(each["text"])
        assert axis_words(each["text"]) == each["words"]
    for each in written["planes"]:
        assert pair_words(each["x"], each["y"]) == each["words"]
    for each in written["mistakes"]:
        with pytest.raises(UserError) as error:
            parse_axis(each["text"])
        assert str(error.value) == each["sentence"]
    for text in written["parameters"]:
        assert axis_words(text) == text
        assert not is_direction(text)


def test_the_width_that_is_asked_stays():
    assert LandscapeRequest.of(run="none", epoch=1, x="step", y="random:1", half_width=0.3).half_width == 0.3


@pytest.mark.parametrize("axes", [("step", "random:1"), ("conv1.bias[0]", "conv1.bias[1]")])
def test_no_width_is_not_a_width(axes):
    with pytest.raises(UserError, match="half_width"):
        LandscapeRequest.of(run="none", epoch=1, x=axes[0], y=axes[1], half_width=None)


WRONG = [
    text
    for line in (
        "random random: random:x random:-1 random:1.5 random:4294967296 random:01 random:1e3 random:1@ random:1@a@b",
        "random:1@a:b random:1@a[0] randoms:1 Random:1 random-all random-all:x random:nan random:inf random:１",
        "gradient gradient: gradient:all gradient:-1 gradient:1000000 gradient:mean@ gradient:0@[ gradient:nan",
        "step: step:1 step@ step@a,b steps:1 towards towards: towards:none towards:none/ towards:none/x",
        "towards:none/-1 towards:none/10000 towards:/3 towards:../etc/3 towards:a/b/3 towards:none/1@hidden",
        "pca pca: pca:0 pca:-1 pca:101 pca:x pca:1@hidden pca:nan hessian hessian: hessian:0 hessian:101",
        "hessian:1@output hessian:NaN eigen:1 @hidden :1 conv1.weight[0]@a conv1.weight[1:2] noise:3@hidden",
    )
    for text in line.split()
]


def test_there_are_60_of_them():
    assert len(WRONG) >= 60


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_axis_gets_one_clear_line(text):
    with pytest.raises(UserError) as told:
        parse_axis(text)
    line = str(told.value)
    assert "\n" not in line
    assert text[:8] in line
    assert len(line) < 400
