"""Scenes: each is found by what is measured, its sentence has the numbers of its pictures, and its link shows these."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.dashboard import permalink
from gradviz.dashboard.scenes import SCENES, Layer, NotFound, Scene, dead_unit, relu_corner, shown_layers
from gradviz.evidence.roughening import neighbour_angle
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.field import ZeroReason

CAN = {"draws_masks": False, "has_batch_statistics": False}
RUN = {"run": "none", "label": "None", "epochs": [0, 3], "capabilities": CAN}


def told(client: FlaskClient, key: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/scenes/{key}")
    assert answer.status_code == 200
    return answer.get_json()


def field(client: FlaskClient, panel: dict[str, Any]) -> GradientField:
    asked = {name: value for name, value in panel.items() if value is not None and name != "variant"}
    answer = client.get("/api/v1/landscape", query_string={**asked, "format": "binary"})
    assert answer.status_code == 200
    return GradientField.from_bytes(answer.data)


def test_the_list_names_what_is_sought(client: FlaskClient) -> None:
    listed = client.get("/api/v1/scenes").get_json()["scenes"]
    assert [each["scene"] for each in listed] == list(SCENES)


@pytest.mark.parametrize("key", SCENES)
def test_a_scene_is_found_with_a_link_and_pictures_or_says_why_not(client: FlaskClient, key: str) -> None:
    scene = told(client, key)
    if scene["reason"] is not None:
        assert (scene["caption"], scene["link"], scene["panels"]) == (None, None, [])
        assert re.fullmatch(r"[A-Z].*\.", scene["reason"])
        return
    view, notices = permalink.read(scene["link"])
    assert notices == []
    first = scene["panels"][0]
    assert (view.x_a, view.y_a, view.epoch, view.run) == (first["x"], first["y"], first["epoch"], first["run"])
    assert [field(client, panel).loss.size for panel in scene["panels"]] == [
        each["points"] ** 2 for each in scene["panels"]
    ]


def test_the_silence_of_batch_normalization_is_that_of_its_field(client: FlaskClient) -> None:
    scene = told(client, "batchnorm-silence")
    silent, loud = (field(client, panel) for panel in scene["panels"])
    assert np.all(silent.zero_reason == ZeroReason.BATCH_STATISTICS)
    length = re.search(r"length ([0-9.]+(?:e.[0-9]+)?)\.", scene["caption"])
    assert length is not None
    assert float(length[1].replace("−", "-")) == pytest.approx(float(np.hypot(*loud.centre)), rel=6e-3)
    assert f"All {silent.is_zero.size} arrows" in scene["caption"]


def test_the_storm_says_by_how_much_neighbours_differ(client: FlaskClient) -> None:
    scene = told(client, "dropout-storm")
    if scene["reason"] is not None:
        pytest.fail(scene["reason"])
    angles = [neighbour_angle(field(client, panel)) for panel in scene["panels"]]
    assert [int(each) for each in re.findall(r"(\d+)°", scene["caption"])] == [
        round(each) for each in angles if each is not None
    ]
    assert permalink.read(scene["link"])[0].compared == ("dropout", "dropout~frozen")


def test_an_unknown_scene_is_a_mistake(client: FlaskClient) -> None:
    answer = client.get("/api/v1/scenes/nonsense")
    assert answer.status_code == 422
    assert "relu-corner" in answer.get_json()["error"]


class Made:
    """Runs, units and fields as a test makes them."""

    def __init__(self, active: np.ndarray | None, u_off: float = 0.0) -> None:
        size = 8 if active is None else len(active)
        names = [f"hidden.1.linear.bias[{unit}]" for unit in range(size)]
        has = np.ones(size, bool) if active is None else active > 0
        self.layer, self.share = Layer(RUN, "hidden layer 1", names, active, has), u_off

    def runs(self, fits: Any) -> list[Mapping]:
        return [RUN] if fits(CAN) else []

    def layers(self, run: Mapping) -> list[Layer]:
        return [self.layer]

    def field(self, request: LandscapeRequest) -> GradientField:
        points = request.points
        off = np.arange(points**2).reshape(points, points) < round(self.share * points**2)
        reason = np.where(off, ZeroReason.DEAD_UNIT, ZeroReason.NONE).astype(np.uint8)
        steps = np.linspace(-request.half_width, request.half_width, points)
        u = np.zeros((points, points), np.float32)
        v = np.where(off, 0, 1).astype(np.float32)
        return GradientField(steps, steps, u, v, v, off, reason, 0.5, 64, 0.1, 0.1)


def test_a_corner_is_sought_among_units_that_are_seldom_active_and_tells_the_share_that_is_off() -> None:
    made: Any = Made(np.array([0.5, 0.0, 0.07, 0.9, 0.06, 1.0]), u_off=0.25)
    scene = relu_corner(made)
    assert {scene.panels[0].x, scene.panels[0].y} == {made.layer.parameters[2], made.layer.parameters[4]}
    assert "6 % and 7 %" in scene.caption
    assert "25 % of the plane" in scene.caption
    for share in (0.0, 0.9):  # no corner, or hardly an arrow
        with pytest.raises(NotFound):
            relu_corner(Made(np.array([0.5, 0.07, 0.06]), u_off=share))  # pyright: ignore[reportArgumentType]


def test_a_dead_unit_stands_beside_the_nearest_live_one() -> None:
    made: Any = Made(np.array([0.5, 0.6, 0.0, 0.02, 0.7]))
    scene: Scene = dead_unit(made)
    assert (scene.panels[0].x, scene.panels[0].y) == (made.layer.parameters[2], made.layer.parameters[1])
    assert "1 of the layer's 5 units are dead" in scene.caption
    with pytest.raises(NotFound, match="No unit is dead in hidden layer 1 of None"):
        dead_unit(Made(np.array([0.5, 0.6])))  # pyright: ignore[reportArgumentType]
    with pytest.raises(NotFound, match="can be inactive"):
        dead_unit(Made(None))  # pyright: ignore[reportArgumentType]


def test_scenes_are_sought_in_the_layers_that_are_shown_first() -> None:
    layers = [
        {"value": "0", "has_units": True},
        {"value": "1", "has_units": True},
        {"value": "output", "has_units": False},
    ]
    run = {
        "suggested": {"a": ("w[0]", "w[1]"), "b": ("o[0]", "o[1]")},
        "tensors": {"w": {"layer": "1"}, "o": {"layer": "output"}},
    }
    assert shown_layers({**run, "layers": layers}) == [(1, layers[1])]
    assert shown_layers({**run, "layers": layers, "suggested": None}) == []
