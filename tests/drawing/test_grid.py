"""Many runs' fields, small: where they lie, what they are called, how they are measured; and the page for print."""

import re
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.quiver import Quiver

from gradviz.drawing.animation import scales_of_rows
from gradviz.drawing.canvas import styled
from gradviz.drawing.grid import MOST_LARGE, draw_grid, grid_figure, grid_frames, grid_style
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import Look
from gradviz.drawing.overlays import Over
from gradviz.drawing.printed import row_bytes
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Shown
from tests.drawing.fields import field_of, turning_field
from tests.drawing.test_canvas import REQUEST

LOOK = Look(under="heat")
NAMES = [f"run {k}" for k in range(7)]
ZERO = field_of(np.zeros((5, 5)), np.zeros((5, 5)), is_zero=np.ones((5, 5)))


def row_of(many: int, points: int = 5, strength: float = 1.0) -> list[Shown]:
    requests = [REQUEST.model_copy(update={"run": f"run-{k}"}) for k in range(many)]
    return [Shown(turning_field(points, strength * 2.0**k), request) for k, request in enumerate(requests)]


def drawn(row: list[Shown], look: Look = LOOK, *, share_scale: bool = True) -> Any:
    """The figure, drawn."""
    [scales] = scales_of_rows([row], share_scale, fixed_colours=False)
    with styled(grid_style(look)):
        figure = grid_figure(len(row), look)
        draw_grid(figure, row, NAMES[: len(row)], look, scales, share_scale=share_scale)
    return figure


def pictures(figure: Any) -> list[Any]:
    return [axes for axes in figure.axes if axes.get_title("left")]


@pytest.mark.parametrize(("many", "columns"), [(4, 4), (6, 6), (7, 4), (12, 6), (13, 5)])
def test_pictures_are_equal_squares_in_rows_that_do_not_overlap(many: int, columns: int):
    row = [row_of(1)[0]] * many
    names = [f"run {k}" for k in range(many)]
    with styled(grid_style(LOOK)):
        figure: Any = grid_figure(many, LOOK)
        draw_grid(figure, row, names, LOOK, [Scale()] * many, share_scale=False)
    assert [axes.get_title("left") for axes in figure.axes] == names
    width, height = figure.get_size_inches()
    boxes = np.array([axes.get_position().bounds for axes in figure.axes]) * [width, height, width, height]
    np.testing.assert_allclose(boxes[:, 2:], boxes[0, 2], rtol=1e-9)
    assert len(np.unique(boxes[:, 1].round(6))) == -(-many // columns)
    assert (boxes[1:columns, 0] > boxes[: columns - 1, 0] + boxes[0, 2]).all()
    assert (boxes[:, :2] > 0).all()
    assert (boxes[:, 0] + boxes[:, 2] < width).all()
    assert (boxes[columns:, 1] + boxes[0, 3] < boxes[:-columns, 1]).all()


def test_locked_runs_share_one_scale_which_is_told_and_free_ones_do_not():
    row = row_of(4)
    shared = drawn(row)
    assert len(shared.axes) == 5  # the bar of the scale
    scale = Scale.of([shown.field for shown in row])
    assert any("one scale for all" in text.get_text() for text in shared.texts)
    free = drawn(row, share_scale=False)
    assert len(free.axes) == 4
    for figure, expected in ((shared, [scale] * 4), (free, [Scale.of([shown.field]) for shown in row])):
        quivers = [next(each for each in axes.collections if isinstance(each, Quiver)) for axes in pictures(figure)]
        ends = [(quiver.norm.vmin, quiver.norm.vmax) for quiver in quivers]
        assert ends == [(each.low, each.high) for each in expected]
        lengths = [np.hypot(quiver.U, quiver.V).max() for quiver in quivers]
        cell = row[0].field.x[1] - row[0].field.x[0]
        sizes = [np.hypot(shown.field.u, shown.field.v).max() for shown in row]
        for length, size, each in zip(lengths, sizes, expected, strict=True):
            assert length == pytest.approx(cell * each.lengths(np.array([size]))[0])


def test_of_a_grid_too_fine_some_arrows_are_left_out_and_never_the_centre():
    [axes, *_] = pictures(drawn(row_of(4, points=61)))
    [quiver] = [each for each in axes.collections if isinstance(each, Quiver)]
    assert np.size(quiver.U) == 31**2
    assert (np.asarray(quiver.get_offsets()) == 0).all(1).any()


def test_the_head_says_what_all_of_them_show_and_zeros_say_so():
    row = [replace(shown, minus="" if k == 0 else "run-0", draws_masks=k == 2) for k, shown in enumerate(row_of(4))]
    row[1] = replace(row[1], field=ZERO)
    figure = drawn(row)
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "4 runs · Hidden layer 1"
    assert texts[1] == (
        f"epoch {REQUEST.epoch} · minibatch {REQUEST.minibatch} ({row[0].field.num_rows} rows) · "
        f"{REQUEST.mode} mode, {REQUEST.masks} masks where they are drawn · Δ∇J, minus run-0"
    )
    assert texts[2] == f"across Δ {REQUEST.x}, upwards Δ {REQUEST.y}"
    assert len(texts) == 3  # of differences and fields no scale is shared
    assert [text.get_text() for axes in pictures(figure) for text in axes.texts] == ["no difference"]
    plain = drawn([replace(row_of(4)[0], field=ZERO), *row_of(3)])
    assert [text.get_text() for axes in pictures(plain) for text in axes.texts] == ["zero up to round-off"]


def test_overlays_are_drawn_in_each_that_has_them():
    row = row_of(4)
    row[2] = replace(row[2], over=Over(path={0: (0.0, 0.0), 1: (0.05, 0.05), REQUEST.epoch: (0.02, 0.0)}))
    counts = [len(axes.lines) + len(axes.collections) + len(axes.patches) for axes in pictures(drawn(row))]
    assert counts[2] > counts[0] == counts[1] == counts[3]
    assert all(any(isinstance(each, PathCollection) for each in axes.collections) for axes in pictures(drawn(row)))


def test_frames_keep_their_colours_over_all_and_have_one_size():
    rows = [row_of(4, strength=10.0**-k) for k in range(2)]
    fixed, moving = (
        list(grid_frames(rows, NAMES[:4], LOOK, share_scale=True, fixed_colours=is_fixed)) for is_fixed in (True, False)
    )
    assert len({image.size for image in (*fixed, *moving)}) == 1
    # Ten times weaker everywhere: lengths are measured within a frame, so only the fixed colours and the bar tell.
    first, second = (np.asarray(image, int) for image in fixed)
    assert np.abs(first - second).max() > 50
    dark = next(
        grid_frames(rows, NAMES[:4], replace(LOOK, palette=PALETTES["dark"]), share_scale=True, fixed_colours=True)
    )
    assert np.asarray(dark).mean() < 80 < np.asarray(fixed[0]).mean()


@pytest.mark.parametrize("many", [1, MOST_LARGE, MOST_LARGE + 1])
def test_a_page_for_print_is_vectors_with_text_and_the_same_each_time(many: int):
    row = row_of(many)
    [scales] = scales_of_rows([row], True, fixed_colours=False)
    names = NAMES[:many]
    content, caption = row_bytes(row, names, LOOK, scales, "pdf", share_scale=True)
    assert (content, caption) == row_bytes(row, names, LOOK, scales, "pdf", share_scale=True)
    assert content.startswith(b"%PDF-")
    assert b"/Type0" in content  # fonts, not outlines of letters
    streams = re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL)
    drawing = b"".join(_inflated(stream) for stream in streams)
    assert drawing.count(b" l\n") > 25 * many  # lines of the arrows


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:  # fonts and others that are not compressed this way
        return b""


def test_small_pictures_have_their_note_below_the_scale():
    row, note = row_of(5), "Epoch 2 is left out: `step` does not move any parameter."
    [scales] = scales_of_rows([row], True, fixed_colours=False)
    with styled(grid_style(LOOK)):
        figure = grid_figure(len(row), LOOK, note)
        draw_grid(figure, row, NAMES[:5], LOOK, scales, share_scale=True, note=note)
        figure.draw_without_rendering()
    [text] = [text for text in figure.texts if text.get_text() == note]
    others = [axes.get_tightbbox() for axes in figure.axes]
    assert all(not box.overlaps(text.get_window_extent()) for box in others if box is not None)
    assert text.get_window_extent().y0 >= 0
