"""From where a surface is seen: a text and plotly.js' camera, as tests/fixtures/cameras.json expects them."""

import json
from pathlib import Path

import pytest

from gradviz.drawing.camera import FIRST, Camera, camera_text
from gradviz.errors import UserError

WRITTEN = json.loads((Path(__file__).parents[1] / "fixtures" / "cameras.json").read_text())


@pytest.mark.parametrize("case", [*WRITTEN["cameras"], WRITTEN["first"]], ids=lambda case: case["text"])
def test_a_text_is_the_camera_that_the_page_has_for_it(case: dict) -> None:
    camera = Camera.parse(case["text"])
    assert str(camera) == case["text"]
    assert list(camera.for_plotly()["eye"].values()) == pytest.approx(case["eye"], abs=1e-6)


@pytest.mark.parametrize("text", WRITTEN["mistakes"])
def test_what_is_no_camera_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"degrees in \[-180, 180\] and \[-88, 88\].*such as -67.5,36,2.12, got"):
        Camera.parse(text)


def test_a_camera_has_one_text() -> None:
    assert camera_text("-0,12.50,02.0") == "0,12.5,2"
    assert str(FIRST) == WRITTEN["first"]["text"]
