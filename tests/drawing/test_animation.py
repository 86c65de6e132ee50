"""The animated picture: every frame is there, nothing jumps, colours mean the same throughout."""

import io
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gradviz.drawing.animation import drawn_frames, noted
from gradviz.drawing.canvas import to_rgb
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import picture_bytes
from tests.drawing.fields import turning_field
from tests.drawing.test_canvas import REQUEST

NUM_EPOCHS = 3


@pytest.fixture(scope="module")
def rows() -> list[list[Shown]]:
    """Two regularizers side by side over the epochs, on which the gradients become weaker."""
    requests = [REQUEST, REQUEST.model_copy(update={"run": "dropout"})]
    return [
        [
            Shown(turning_field(5, size * 10.0**-epoch), at.model_copy(update={"epoch": epoch}))
            for at, size in zip(requests, (1, 3), strict=True)
        ]
        for epoch in range(NUM_EPOCHS)
    ]


@pytest.fixture(scope="module")
def frames(rows: list[list[Shown]]) -> list[Image.Image]:
    return list(drawn_frames(rows, Look(under="heat"), share_scale=True, fixed_colours=True))


def gif_bytes(images: list[Image.Image]) -> bytes:
    gif = Gif(5, colours_of(PALETTES["light"]), "what it shows: ∇J")
    for image in images:
        gif.add(image)
    return gif.finish()


def test_a_gif_has_a_frame_for_each_row_and_holds_the_last(frames: list[Image.Image]):
    content = gif_bytes(frames)
    assert content.endswith(b"\0;")  # the end of the last frame, and of the file
    gif = Image.open(io.BytesIO(content))
    durations = []
    for k in range(gif.n_frames):  # pyright: ignore[reportAttributeAccessIssue]  (GIF files have it)
        gif.seek(k)
        gif.load()
        durations.append(gif.info["duration"])
    assert durations == [200, 200, 800]
    assert gif.size == (1600, 700)
    assert gif.info["comment"] == b"what it shows: ?J"
    assert gif.info["loop"] == 0


def test_each_frame_of_a_gif_is_the_picture_that_was_drawn(frames: list[Image.Image]):
    """A frame holds what has changed since the one before: put together, they are what pillow makes of each alone."""
    gif = Image.open(io.BytesIO(gif_bytes([*frames, frames[-1], frames[0]])))
    for k, image in enumerate([*frames, frames[-1], frames[0]]):
        gif.seek(k)
        alone = Image.open(io.BytesIO(gif_bytes([image])))
        np.testing.assert_array_equal(np.asarray(gif.convert("RGB")), np.asarray(alone.convert("RGB")))


def test_one_frame_at_a_time_is_in_memory(rows: list[list[Shown]], monkeypatch: pytest.MonkeyPatch):
    alive: list[weakref.ref] = []
    made = Image.fromarray

    def remembered(*arguments: Any) -> Image.Image:
        assert sum(ref() is not None for ref in alive) <= 1
        alive.append(weakref.ref(image := made(*arguments)))
        return image

    monkeypatch.setattr(Image, "fromarray", remembered)
    gif = Gif(5, colours_of(PALETTES["light"]))
    for image in drawn_frames(rows * 2, PLAIN, share_scale=True, fixed_colours=True):
        gif.add(image)
    assert len(alive) == 2 * NUM_EPOCHS
    assert gif.num_bytes > 0


def test_axes_and_scales_stand_still(frames: list[Image.Image]):
    pixels = [np.asarray(image).astype(int) for image in frames]
    spine = np.array(to_rgb(PALETTES["light"].faint)) * 255
    columns = [np.flatnonzero((np.abs(frame - spine).sum(-1) < 30).sum(0) > 400) for frame in pixels]
    assert len(columns[0]) >= 2  # one axis for each picture
    for later in columns[1:]:
        np.testing.assert_array_equal(later, columns[0])
    # the colour bars with their numbers, at the right of each picture
    right = [frame[:, 1500:] for frame in pixels]
    assert all((part == right[0]).all() for part in right)


def test_the_palette_keeps_every_colour_of_the_drawing(frames: list[Image.Image]):
    exact = np.asarray(frames[0]).astype(int)
    kept = np.asarray(Image.open(io.BytesIO(gif_bytes(frames[:1]))).convert("RGB")).astype(int)
    far = np.abs(exact - kept).max(-1) > 60  # edges of lines over the loss, which fade into another colour
    assert far.mean() < 0.002


@pytest.mark.parametrize("scheme", PALETTES)
@pytest.mark.parametrize("under", ["heat", "surface"])
def test_no_colour_takes_the_place_of_the_transparent_one(scheme: Any, under: Any):
    many = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    shown = np.asarray(
        Image.fromarray(many).quantize(palette=colours_of(PALETTES[scheme], under), dither=Image.Dither.NONE)
    )
    assert shown.max() < 255
    colours_of(PALETTES[scheme], under, num_shades=60, num_loss=33)  # 255 colours
    with pytest.raises(AssertionError):
        colours_of(PALETTES[scheme], under, num_shades=60, num_loss=34)


@pytest.mark.parametrize("under", ["heat", "contour"])
def test_the_loss_is_drawn_under_the_arrows_of_a_picture_with_other_inks(rows: list[list[Shown]], under: str):
    shown = rows[0][0]
    dark = Look(PALETTES["dark"])
    over = replace(dark, under=under)
    image = Image.open(io.BytesIO(picture_bytes(shown, "png", over)))
    assert image.convert("RGB").getpixel((2, 2)) == (0x14, 0x18, 0x1F)
    assert picture_bytes(shown, "png", over) != picture_bytes(shown, "png", dark)


def test_every_frame_says_below_the_pictures_which_epochs_are_not_in_it(rows: list[list[Shown]]):
    note = "Epochs 3 and 4 are left out: `step` does not move any parameter."
    with_note, without = (
        [
            np.asarray(image)
            for image in drawn_frames(rows[:1] * 2, PLAIN, share_scale=False, fixed_colours=True, note=text)
        ]
        for text in (note, "")
    )
    np.testing.assert_array_equal(with_note[0], with_note[1])
    # Between the two legends there is nothing else.
    height, width, _ = without[0].shape
    middle = slice(height * 95 // 100, None), slice(width * 2 // 5, width * 11 // 20)
    assert (without[0][middle] == 255).all()
    assert (with_note[0][middle] < 255).any()


def test_a_note_that_has_no_room_is_cut_and_says_so():
    lines = noted("word " * 400, 50).split("\n")
    assert len(lines) == 3
    assert all(len(line) <= 50 for line in lines)
    assert lines[-1].endswith(" …")
    assert noted("word " * 5, 50) == "word word word word word"
