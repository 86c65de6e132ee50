"""A view as one file: the numbers in it are the landscapes', progress is told, and what may be asked for is bounded."""

import base64
import io
import json
import re
import shlex
import struct
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from gradviz.cli import main
from gradviz.compute.interface import Cancelled, StillWanted, Ticket
from gradviz.compute.local import LocalCompute
from gradviz.compute.question import Question
from gradviz.dashboard import export_file, exports
from gradviz.dashboard.connection import LEFT
from gradviz.dashboard.routes import EXPORTS_AT_ONCE as AT_ONCE
from gradviz.dashboard.standalone import expected_bytes
from gradviz.drawing.camera import Camera
from tests.dashboard.conftest import MakeApp

PANELS: list[dict[str, Any]] = [
    {"run": variant, "epoch": 1, "x": "hidden.1.linear.bias[0]", "y": "hidden.2.linear.weight[3,4]", "points": 5}
    for variant in ("none", "dropout")
]
FIRST = "-67.5,36,2.12"
RANDOM = {"mode": "train", "masks": "frozen", "seed": 3}


def asked(kind: str = "html", **values: object) -> dict[str, Any]:
    return {"kind": kind, "panels": PANELS, **values}


def error_of(client: FlaskClient, **values: Any) -> str:
    answer = client.post("/api/v1/exports", json=asked(**values))
    assert answer.status_code == 422, answer.data[:200]
    return answer.get_json()["error"]


def npz(client: FlaskClient, request: dict[str, Any]) -> dict[str, np.ndarray]:
    answer = client.get("/api/v1/landscape", query_string=request | {"format": "npz"})
    assert answer.status_code == 200, answer.data
    return dict(np.load(io.BytesIO(answer.data)))


def told_in(html: str) -> dict[str, Any]:
    [told] = re.findall(r'<script type="application/json" id="told">(.*?)</script>', html, re.DOTALL)
    return json.loads(told)


def numbers_of(frame: str) -> tuple[dict[str, Any], np.ndarray]:
    """A frame's own words, and u, v, loss as (3, points).

    Read by hand, not by the code that wrote it."""
    block = base64.b64decode(frame)
    (length,) = struct.unpack_from("<I", block)
    about = json.loads(block[4 : 4 + length])
    points = (len(block) - 4 - length) // 14
    return about, np.frombuffer(block, "<f4", count=3 * points, offset=4 + length).reshape(3, points)


@pytest.mark.parametrize(
    ("over", "one", "indices"), [("epochs", "epoch", [0, 1, 2]), ("minibatches", "minibatch", [0, 2])]
)
def test_the_page_that_stands_alone_holds_the_numbers_of_the_api(
    client: FlaskClient, over: str, one: str, indices: list[int]
):
    panels = [panel | RANDOM for panel in PANELS]
    answer = client.post("/api/v1/exports", json=asked(over=over, panels=panels, every=1 if over == "epochs" else 2))
    assert answer.mimetype == "text/html"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="none-dropout-')
    told = told_in(answer.text)
    for panel, request in zip(told["panels"], panels, strict=True):
        frames = [numbers_of(frame) for frame in panel["frames"]]
        assert [about["index"] for about, _ in frames][: len(indices)] == indices
        for about, numbers in frames:
            exact = npz(client, request | {one: about["index"]})
            np.testing.assert_array_equal(numbers, np.stack([exact[name].ravel() for name in ("u", "v", "loss")]))


def test_the_page_that_stands_alone_may_load_nothing_and_run_its_own_scripts_alone(client: FlaskClient):
    html = client.post("/api/v1/exports", json=asked()).text
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy.startswith("default-src &#x27;none&#x27;;")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == policy.count("sha256-") == 2  # plotly.js and ours
    assert html.count("<script") == len(scripts) + 1  # and the numbers
    assert not re.findall(r"""<(?:link|img|iframe)|<script [^>]*src=|@import (?:url|["'])""", html)


@pytest.mark.parametrize("points", [5, 21])
def test_the_size_is_said_beforehand(client: FlaskClient, points: int):
    panels = [panel | {"points": points} for panel in PANELS]
    content = client.post("/api/v1/exports", json=asked(panels=panels)).data
    assert len(content) == pytest.approx(expected_bytes([points, points], 3), rel=0.01)


def test_a_gif_has_a_frame_for_each_epoch(client: FlaskClient):
    answer = client.post("/api/v1/exports", json=asked("gif", scheme="dark", per_second=10))
    assert answer.mimetype == "image/gif"
    gif = Image.open(io.BytesIO(answer.data))
    assert gif.n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]  (GIF files have it)
    assert gif.info["duration"] == 100
    assert gif.convert("RGB").getpixel((2, 2)) == (0x14, 0x18, 0x1F)


def test_what_lies_over_the_arrows_and_what_is_subtracted_is_in_the_page_that_stands_alone(client: FlaskClient):
    for over, checkpoints, masks in (
        ("epochs", ["0", "1", "2"], {}),
        ("minibatches", ["1"], RANDOM),
        ("minibatches", ["1"], RANDOM | {"masks": "fresh"}),
        ("minibatches", ["1"], RANDOM | {"masks": "averaged", "num_masks": 2}),
    ):
        panels = [panel | {"minibatch_size": 16, **masks} for panel in PANELS]
        body = asked(over=over, panels=panels, show=["path", "spread"])
        told = told_in(client.post("/api/v1/exports", json=body).text)
        assert told["view"]["show"] == ["path", "spread"]
        assert told["minus"] is None
        for panel, request in zip(told["panels"], panels, strict=True):
            exact = [npz(client, request | {"epoch": epoch}) for epoch in range(3)]
            assert panel["path"] == [{"index": k, "x": each["x"][2], "y": each["y"][2]} for k, each in enumerate(exact)]
            assert list(panel["spreads"]) == checkpoints
            about, numbers = numbers_of(panel["spreads"]["1"][1])
            exact = npz(client, request | {"epoch": 1, "minibatch": 1})
            assert about["index"] == 1
            np.testing.assert_array_equal(numbers[:, 0], [exact[name][2, 2] for name in ("u", "v", "loss")])
    answer = client.post("/api/v1/exports", json=asked(show=["path", "spread"], panels=panels, minus=1))
    assert "none-dropout-minus-dropout-minibatch-0-over-epochs.html" in answer.headers["Content-Disposition"]
    told = told_in(answer.text)
    assert told["minus"] == 1
    assert [bool(panel["path"]) for panel in told["panels"]] == [False, True]  # nothing lies over a difference
    assert (
        "<title>Gradient landscapes over epochs 0–2: none, dropout, minus dropout, minibatch 0</title>" in answer.text
    )
    assert "`minus` must be one of the panels, 0..1, got 2" in error_of(client, minus=2)


def test_the_sampling_ellipse_or_why_there_is_none_is_in_the_page_that_stands_alone(client: FlaskClient):
    pair = {"x": PANELS[0]["x"], "y": PANELS[0]["y"], "points": 3, "minibatch_size": 16}
    panels = [{"run": run, "epoch": 1, "mode": "train", **pair} for run in ("none", "batchnorm")]
    told = told_in(client.post("/api/v1/exports", json=asked(panels=panels, show=["sampling"])).text)
    assert told["view"]["show"] == ["sampling"]
    for panel, request in zip(told["panels"], panels, strict=True):
        for epoch, found in panel["samplings"].items():
            query = {name: value for name, value in request.items() if name != "points"} | {"epoch": epoch}
            wanted = client.get("/api/v1/sampling", query_string=query).json
            assert wanted is not None
            assert found == {"sampling": wanted["sampling"], "reason": wanted["reason"]}
    assert [panel["samplings"]["1"]["sampling"] is None for panel in told["panels"]] == [False, True]


def test_the_paths_of_a_probe_are_in_the_page_that_stands_alone(client: FlaskClient):
    pair = {"x": PANELS[0]["x"], "y": PANELS[0]["y"], "points": 3, "minibatch_size": 16}
    panels = [{"run": "none", "epoch": 1, **pair}, {"run": "none", "epoch": 1, **pair, "x": "random:1"}]
    settings = {"show": ["probe"], "start": "0.5,-0.25", "steps": 4}
    answer = client.post("/api/v1/exports", json=asked(panels=panels, **settings))
    told = told_in(answer.text)
    for panel, request, half_width in zip(told["panels"], panels, (0.1, 1.0), strict=True):
        assert list(panel["probes"]) == ["0", "1", "2"]
        for epoch, found in panel["probes"].items():
            query = {**request, "epoch": epoch, "steps": 4, "start": f"{0.5 * half_width},{-0.25 * half_width}"}
            wanted: Any = client.get("/api/v1/probe", query_string=query).json
            assert found["sentences"] == wanted["sentences"]
            for path, own in zip(found["paths"], wanted["paths"], strict=True):
                assert [path[name] for name in ("schedule", "name", "line")] == [
                    own[name] for name in ("schedule", "name", "line")
                ]
                np.testing.assert_allclose([path["x"], path["y"]], [own["x"], own["y"]], rtol=1e-5)
    plain = client.post("/api/v1/exports", json=asked(panels=panels))
    assert told_in(plain.text)["panels"][0]["probes"] == {}
    assert len(answer.data) == pytest.approx(expected_bytes([3, 3], 3, num_marks=2 * 3 * 4), rel=0.02)
    pdf = client.post("/api/v1/exports", json=asked("pdf", panels=panels, **settings))
    assert pdf.status_code == 200
    assert error_of(client, show=["probe"], start="2,0").startswith("`start` must be two numbers from -1 to 1")


def test_what_lies_in_a_plane_along_directions_is_in_the_page_that_stands_alone(client: FlaskClient):
    panel = {"run": "none", "epoch": 1, "x": "gradient:0", "y": "random:1", "points": 3, "minibatch_size": 16}
    told = told_in(client.post("/api/v1/exports", json=asked(panels=[panel], show=["path", "spread"])).text)
    [picture] = told["panels"]
    assert (picture["path"], picture["spreads"]) == ([], {})  # of the values of two parameters
    assert list(picture["planes"]) == ["0", "1", "2"]
    for epoch, inside in picture["planes"].items():
        answer: Any = client.get("/api/v1/plane", query_string=panel | {"epoch": epoch}).json
        assert inside["checkpoints"] == answer["checkpoints"]
        assert inside["minibatches"] == answer["minibatches"]
        assert inside["variance_share"] == answer["variance_share"]
    plain = told_in(client.post("/api/v1/exports", json=asked(panels=[panel])).text)
    assert plain["panels"][0]["planes"] == {}


@pytest.mark.slow
def test_what_lies_over_the_arrows_and_what_is_subtracted_is_in_a_gif(client: FlaskClient):
    """Without neither, with each: other pictures, in the colours of what was added; and the file says what it shows."""
    pictures, overlays = [], ("path", "spread", "sampling", "probe")
    for values in ({}, *({"show": [overlay]} for overlay in overlays), {"minus": 0}):
        answer = client.post("/api/v1/exports", json=asked("gif", every=2, panels=PANELS, **values))
        gif = Image.open(io.BytesIO(answer.data))
        said = gif.info["comment"].decode()
        assert f"epochs 0 to 2{', minus none' * ('minus' in values)}" in said
        for name, value in [*PANELS[0].items(), *PANELS[1].items()]:
            assert f'"{name}":{json.dumps(value)}' in said
        gif.seek(1)
        pictures.append(np.asarray(gif.convert("RGB")).astype(int))
    plain, path, spread, sampling, probe, difference = pictures
    left = np.s_[:, : plain.shape[1] // 2]

    def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
        return int((np.abs(picture - colour).max(-1) < 24).sum())

    centre, ink, chosen = (0xC2, 0x25, 0x5C), (0x1D, 0x24, 0x30), (0x3B, 0x4C, 0xCA)
    assert count(path, centre) > count(plain, centre) + 50
    assert count(spread, ink) > count(plain, ink) + 50
    assert count(sampling, centre) > count(plain, centre) + 20
    assert count(probe, chosen) > count(plain, chosen) + 20
    assert (difference[left] == plain[left]).mean() > 0.99  # what is subtracted is drawn as it is
    assert (difference != plain).any(-1).mean() > 0.01


FOUR = [*PANELS, PANELS[0] | {"run": "batchnorm"}, PANELS[0] | {"minibatch": 1}]


def test_more_than_three_are_small_in_a_page_that_needs_no_plotly(client: FlaskClient):
    answer = client.post("/api/v1/exports", json=asked(panels=FOUR))
    assert 'filename="none-dropout-batchnorm-' in answer.headers["Content-Disposition"]
    told = told_in(answer.text)
    assert told["is_grid"]
    assert len(re.findall(r"<script>", answer.text)) == 1  # ours alone
    assert len(answer.data) == pytest.approx(expected_bytes([5] * 4, 3), rel=0.02)
    assert [panel["label"] for panel in told["panels"]] == ["None", "Dropout", "BatchNorm", "None"]
    assert all(re.fullmatch("#[0-9a-f]{6}", panel["colour"], re.IGNORECASE) for panel in told["panels"])
    for panel, request in zip(told["panels"], FOUR, strict=True):
        about, numbers = numbers_of(panel["frames"][1])
        exact = npz(client, request | {"epoch": about["index"]})
        np.testing.assert_array_equal(numbers, np.stack([exact[name].ravel() for name in ("u", "v", "loss")]))


def test_more_than_three_are_small_in_a_gif(client: FlaskClient):
    large = Image.open(io.BytesIO(client.post("/api/v1/exports", json=asked("gif", panels=FOUR[:3])).data))
    small = Image.open(io.BytesIO(client.post("/api/v1/exports", json=asked("gif", panels=FOUR)).data))
    assert small.n_frames == large.n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]  (GIF files have it)
    assert small.width < large.width / 2


@pytest.mark.parametrize("panels", [PANELS, FOUR])
@pytest.mark.slow
def test_a_pdf_shows_each_panel_at_its_own_epoch_and_minibatch(client: FlaskClient, panels: list[dict[str, Any]]):
    """In the colours of all epochs, or of its own alone."""
    answer = client.post("/api/v1/exports", json=asked("pdf", panels=panels))
    assert answer.mimetype == "application/pdf"
    name = "epoch-1-minibatch-0" if panels is PANELS else "epoch-1-2-minibatches"
    assert answer.headers["Content-Disposition"].endswith(f'-{name}.pdf"')
    assert answer.data.startswith(b"%PDF-")
    own = client.post("/api/v1/exports", json=asked("pdf", panels=panels, range="frame")).data
    assert own != answer.data
    assert own == client.post("/api/v1/exports", json=asked("pdf", panels=panels, range="frame", every=2)).data


def test_a_surface_is_taken_along_as_it_is_seen(client: FlaskClient):
    seen = {"panels": PANELS[:1], "under": "surface", "camera": "120,50,1.2"}
    told = [told_in(client.post("/api/v1/exports", json=asked(**seen | more)).text) for more in ({}, {"camera": FIRST})]
    assert [each["view"]["camera"] for each in told] == ["120,50,1.2", None]
    pages = [
        client.post("/api/v1/exports", json=asked("pdf", **seen | {"range": "frame", **more})).data
        for more in ({}, {"camera": "120,50,3"}, {"camera": FIRST})
    ]
    assert pages[0] == pages[1] != pages[2]  # print shows the whole surface, from however far
    assert "a camera is AROUND,OVER,AWAY" in error_of(client, **seen | {"camera": "front"})


def test_a_pdf_of_an_epoch_that_is_not_there_is_refused(client: FlaskClient):
    panels = [panel | {"epoch": 77} for panel in PANELS]
    assert "no epoch 77 in common" in error_of(client, kind="pdf", panels=panels)


def test_a_view_has_no_more_pictures_than_compare_takes(client: FlaskClient):
    assert "64" in error_of(client, panels=PANELS * 33)


def blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What is between the lengths."""
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) >= 4 and len(held) >= 4 + (length := struct.unpack_from("<I", held)[0]):
            yield held[4 : 4 + length]
            held = held[4 + length :]
    assert not held


def test_progress_is_told_step_by_step_and_the_file_is_the_same(client: FlaskClient):
    answer = client.post("/api/v1/exports", json=asked("gif", progress=True, panels=PANELS[:1]))
    parts = blocks(iter(answer.response))  # pyright: ignore[reportArgumentType]  (bytes)
    steps = [json.loads(next(parts)) for _ in range(6)]
    assert [step["done"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert {step["total"] for step in steps} == {7}
    assert [steps[0]["doing"], steps[-1]["doing"]] == ["computing epoch 0", "drawing epoch 2"]
    about = json.loads(next(parts))
    content = b"".join(parts)
    assert about == {"name": "none-minibatch-0-over-epochs.gif", "type": "image/gif", "bytes": len(content)}
    assert content == client.post("/api/v1/exports", json=asked("gif", panels=PANELS[:1])).data


def test_an_epoch_without_a_plane_along_these_directions_is_left_out_and_told(client: FlaskClient):
    plane, missing, there = {"run": "none", "epoch": 1, "x": "towards:none/2", "y": "random:1", "points": 3}, 2, [0, 1]
    page = client.post("/api/v1/exports", json=asked(panels=[plane])).text
    assert [numbers_of(frame)[0]["index"] for frame in told_in(page)["panels"][0]["frames"]] == there
    [note] = re.findall(r"<p class=\"gv-sub\">(.*?)</p>", page)
    reason = error_of(client, panels=[plane | {"epoch": missing}], kind="pdf")
    assert note == escape(f"Epoch {missing} is left out: `towards:none/2` does not move any parameter.")
    assert reason == "`towards:none/2` does not move any parameter: choose another direction."
    answer = client.post("/api/v1/exports", json=asked("gif", panels=[plane], progress=True))
    *_, about, content = blocks(iter(answer.response))  # pyright: ignore[reportArgumentType]  (bytes)
    said = json.loads(about)["notes"]
    assert [escape(each) for each in said] == [note]
    film = Image.open(io.BytesIO(content))
    assert film.n_frames == len(there)  # pyright: ignore[reportAttributeAccessIssue]
    assert film.info["comment"].decode().endswith(f". {said[0]}")


def test_what_one_of_the_runs_does_not_have_is_refused_before_anything_is_computed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    submitted: list[Sequence[Question]] = []
    submit = LocalCompute.submit
    monkeypatch.setattr(
        LocalCompute, "submit", lambda self, many, *more: submitted.append(many) or submit(self, many, *more)
    )
    good = {"run": "none", "epoch": 1, "x": "step", "y": "random:1", "points": 3}
    for x, words in {
        "step@conv": "begins with conv",
        "random:1@hidden.1.linear.bias": "only biases and norms within hidden.1.linear.bias",
        "gradient:999": "minibatches of this run are 0 to",
        "towards:none/77": "77",
        "towards:nobody/1": "nobody",
        "pca:3": "2 principal components",
        "hidden.1.linear.bias[99]": "out of range",
    }.items():
        assert words in error_of(client, panels=[good, good | {"x": x}]), x
    assert not submitted


def test_as_many_files_as_may_be_are_made_at_a_time_and_who_leaves_makes_room(client: FlaskClient):
    made = [client.post("/api/v1/exports", json=asked(progress=True)) for _ in range(AT_ONCE)]
    busy = client.post("/api/v1/exports", json=asked())
    assert busy.status_code == 429
    assert "wait until one is done" in busy.get_json()["error"]
    made[0].close()
    assert client.post("/api/v1/exports", json=asked()).status_code == 200
    made[1].close()
    left = b"".join(iter(made[1].response))  # pyright: ignore[reportArgumentType]  (bytes)
    assert b"doctype" not in left


@pytest.mark.parametrize(
    ("values", "until"),
    [
        ({}, 2),
        ({"over": "minibatches"}, 2),
        ({"show": ["path"]}, 3),
        ({"show": ["spread"], "panels": [panel | {"minibatch_size": 16} for panel in PANELS]}, 3),
        ({"kind": "gif"}, 6),  # all that it needs: the first picture is drawn
    ],
)
def test_who_leaves_ends_the_work_in_the_midst_of_it(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], until: int
):
    """Our server says that the client has left after so many answers: no further one is waited for."""
    answer, num_answers = LocalCompute.result, 0

    def result(self: LocalCompute, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        nonlocal num_answers
        if not still_wanted():
            raise Cancelled
        num_answers += 1
        return answer(self, ticket, still_wanted)

    monkeypatch.setattr(LocalCompute, "result", result)
    left = {LEFT: lambda: num_answers >= until}
    refused = client.post("/api/v1/exports", json=asked(**values), environ_overrides=left)
    assert (refused.status_code, num_answers) == (503, until)
    assert "cancelled" in refused.get_json()["error"]
    for _ in range(AT_ONCE):
        assert client.post("/api/v1/exports", json=asked()).status_code == 200


def test_a_mistake_in_what_is_asked_for_makes_room_too(client: FlaskClient):
    for _ in range(AT_ONCE + 1):
        assert "hidden.7.linear.bias" in error_of(client, panels=[PANELS[0] | {"x": "hidden.7.linear.bias[0]"}])
    assert client.post("/api/v1/exports", json=asked()).status_code == 200


def test_what_is_too_large_is_refused_before_it_is_made(client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "MOST_FRAMES", 2)
    assert error_of(client) == "A file holds at most 2 frames, got 3 epochs: increase `every`."
    monkeypatch.setattr(exports, "MOST_FRAMES", 3)
    monkeypatch.setattr(exports, "MOST_BYTES", expected_bytes([5, 5], 3) - 1)
    assert "increase `every`, or choose fewer points" in error_of(client)
    monkeypatch.setattr(export_file, "MOST_SECONDS", -1)
    monkeypatch.setattr(exports, "MOST_BYTES", 10**8)
    assert error_of(client).startswith("Export exceeded -1 s")


def test_a_mistake_on_the_way_is_told_in_the_stream(client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    answer = client.post("/api/v1/exports", json=asked(progress=True))
    monkeypatch.setattr(exports, "MOST_BYTES", 0)
    parts = list(blocks(iter(answer.response)))  # pyright: ignore[reportArgumentType]  (bytes)
    assert json.loads(parts[-1])["error"].startswith("The file is larger than")


def test_a_form_of_another_site_makes_no_file(client: FlaskClient):
    for path in ("exports", "recipes"):
        assert client.post(f"/api/v1/{path}", data={"kind": "html"}).status_code == 415


def test_recipes_reproduce_the_numbers(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs = tmp_path / "a directory's name; quoted"
    runs.symlink_to(tiny_runs)
    client = make_app(runs).server.test_client()
    panels = [panel | RANDOM for panel in PANELS]
    recipe = client.post("/api/v1/recipes", json={"panels": panels}).get_json()
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(recipe["python"], scope)  # what a reader pastes
    lines = recipe["command_lines"].splitlines()
    for line, name, panel, field in zip(lines, recipe["names"], panels, scope["fields"], strict=True):
        assert main(shlex.split(line)[1:]) == 0
        exact = npz(client, panel)
        by_command = np.load(tmp_path / f"{name}.npz")
        for key in ("x", "y", "u", "v", "loss", "is_zero"):
            np.testing.assert_array_equal(by_command[key], exact[key])
            np.testing.assert_array_equal(getattr(field, key), exact[key])


def test_the_recipe_of_a_surface_draws_it_from_the_same_side(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs = tmp_path / "runs"
    runs.symlink_to(tiny_runs)
    client, view = make_app(runs).server.test_client(), {"under": "surface", "camera": "-120,40,3"}
    told = client.post("/api/v1/recipes", json={"panels": PANELS, **view}).get_json()
    flat = client.post("/api/v1/recipes", json={"panels": PANELS}).get_json()
    numbers, surfaces = told["command_lines"].splitlines()[:2], told["command_lines"].splitlines()[2:]
    assert numbers == flat["command_lines"].splitlines()
    monkeypatch.chdir(tmp_path)
    for line, name in zip(surfaces, told["names"], strict=True):
        assert main(shlex.split(line)[1:]) == 0
        figure = (tmp_path / f"{name}.html").read_text().split("Plotly.newPlot")[-1]
        [camera] = re.findall(r'"camera":(\{.*?\}\})', figure)
        assert json.loads(camera) == Camera.parse(view["camera"]).for_plotly()
        assert '"type":"surface"' in figure


def test_a_recipe_of_what_is_not_there_is_refused(client: FlaskClient):
    answer = client.post("/api/v1/recipes", json={"panels": [PANELS[0] | {"epoch": 77}]})
    assert answer.status_code == 422
