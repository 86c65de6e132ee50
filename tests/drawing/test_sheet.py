"""Sheets for print: where panels lie, that letters are read at that size, and that a file is what print needs."""

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.quiver import Quiver
from matplotlib.text import Text
from PIL import Image

from gradviz.drawing.canvas import styled, to_rgb
from gradviz.drawing.choices import COLOURS, SCHEMES, STILLS, WIDTHS_IN
from gradviz.drawing.inks import palette_of
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.panels import field_panels, matrix_panel, rose_panel
from gradviz.drawing.printed import row_bytes
from gradviz.drawing.scale import Scale
from gradviz.drawing.sheet import sheet_figure, sheet_style
from gradviz.drawing.sheetplan import MOST_LETTERED, Panel, Sheet
from gradviz.drawing.shown import Shown
from tests.drawing.fields import random_field, turning_field
from tests.drawing.test_canvas import REQUEST

COLUMN = Sheet(WIDTHS_IN["column"])
LONG = "transformer.encoder.layers.11.self_attention.output.dense.weight[1023,767]"


def row_of(many: int, **changes: Any) -> list[Shown]:
    requests = [REQUEST.model_copy(update={"minibatch": k, **changes}) for k in range(many)]
    return [Shown(turning_field(5, 2.0**k), request) for k, request in enumerate(requests)]


def panels_of(row: list[Shown], look: Look = PLAIN, *, share: bool = True) -> list[Panel]:
    own = [Scale.of([shown.field]) for shown in row]
    scales = [Scale.of([shown.field for shown in row])] * len(row) if share else own
    return field_panels(row, ["None"] * len(row), look, scales)


def drawn(panels: list[Panel], sheet: Sheet, look: Look = PLAIN) -> Any:
    with styled(sheet_style(look)):
        figure = sheet_figure(panels, sheet, look)
        figure.canvas.draw()
    return figure


def texts_of(figure: Any) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


@pytest.mark.parametrize("width", WIDTHS_IN.values())
@pytest.mark.parametrize("many", [1, 2, 3, 4, 9, 30])
@pytest.mark.parametrize("share", [True, False])
def test_all_is_within_the_sheet_and_read_at_its_size(width: float, many: int, share: bool):
    figure = drawn(panels_of(row_of(many), share=share), Sheet(width))
    assert figure.get_figwidth() == width
    page = figure.bbox
    for text in texts_of(figure):
        assert float(text.get_fontsize()) >= 6, text.get_text()
        box = text.get_window_extent()
        assert box.x0 >= page.x0 - 1, text.get_text()
        assert box.x1 <= page.x1 + 1, text.get_text()
        assert box.y0 >= page.y0 - 1, text.get_text()
        assert box.y1 <= page.y1 + 1, text.get_text()
    squares = [axes for axes in figure.axes if any(isinstance(each, Quiver) for each in axes.collections)]
    boxes = np.array([axes.get_position().bounds for axes in squares])
    sides = boxes[:, 2:] * figure.get_size_inches()
    np.testing.assert_allclose(sides, sides[0, 0], rtol=1e-9)  # equal squares
    assert sides[0, 0] > 0.4
    for k, (x, y, across, up) in enumerate(boxes):
        others = np.delete(boxes, k, axis=0)
        apart = (others[:, 0] >= x + across) | (others[:, 0] + others[:, 2] <= x)
        assert (apart | (others[:, 1] >= y + up) | (others[:, 1] + others[:, 3] <= y)).all()


def test_titles_and_names_do_not_run_into_each_other():
    figure = drawn(panels_of(row_of(4)), COLUMN)
    boxes = [text.get_window_extent() for text in figure.texts]
    assert not [1 for k, box in enumerate(boxes) for other in boxes[:k] if box.overlaps(other)]


def test_panels_have_letters_and_what_tells_them_apart():
    words = [text.get_text() for text in drawn(panels_of(row_of(3)), COLUMN).texts]
    assert [word for word in words if len(word) == 1] == ["a", "b", "c"]
    assert {"minibatch 0", "minibatch 1", "minibatch 2"} <= set(words)
    free = Sheet(COLUMN.width, titles=False, letters=False)
    assert not [text for text in drawn(panels_of(row_of(3)), free).texts if "minibatch" in text.get_text()]
    many = [text.get_text() for text in drawn(panels_of(row_of(MOST_LETTERED + 1)), COLUMN).texts]
    assert "a" not in many
    assert "9" in many  # the number of a minibatch, where its word has no room


def test_one_bar_tells_one_scale_with_its_unit_and_own_scales_have_own_bars():
    shared, own = (drawn(panels_of(row_of(3), share=share), Sheet(6.75)) for share in (True, False))
    for figure, bars in ((shared, 1), (own, 3)):
        told = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
        assert told == ["log10 |∇J|\n(loss per unit of parameter)"] * bars


def test_a_long_name_has_two_lines_and_breaks_at_a_joint():
    figure = drawn(panels_of(row_of(1, x=LONG, y="hidden.1.linear.bias[1]")), COLUMN)
    [name] = [text.get_text() for text in figure.texts if text.get_text().startswith("Δ trans")]
    assert name.replace("\n", "") == f"Δ {LONG}"
    assert name.count("\n") == 1
    assert name.split("\n")[0].endswith(".")


@pytest.mark.parametrize("under", ["heat", "contour", "surface"])
def test_the_loss_is_on_a_sheet_as_in_a_picture(under: Any):
    figure = drawn(panels_of(row_of(1), Look(under=under)), COLUMN, Look(under=under))
    assert len(figure.axes) == 2
    assert any("loss per unit" in axes.get_ylabel() for axes in figure.axes)


def test_the_rose_tells_directions_lengths_and_zeros():
    gradients = np.array([(1.0, 0.0), (0.0, 0.5), (0.0, 0.0)])
    panel = rose_panel(gradients, np.array([False, False, True]), Look(length="true"), Scale(-1, 0, 1), "per unit")
    figure = drawn([panel], COLUMN)
    mean: Any
    arrows: Any
    mean, arrows = (each for each in figure.axes[0].collections if isinstance(each, Quiver))
    np.testing.assert_allclose((arrows.U, arrows.V), [(1, 0), (0, 0.5)], atol=1e-12)
    np.testing.assert_allclose((mean.U[0], mean.V[0]), (0.5, 0.5))
    assert any("1 of 3" in text.get_text() for text in texts_of(figure))


def test_the_matrix_lies_in_its_order_with_paper_where_there_is_no_direction():
    cosines = np.array([[1, -1, np.nan], [-1, 1, np.nan], [np.nan] * 3])
    figure = drawn([matrix_panel(cosines, [1, 0, 2], PLAIN, "this pair")], COLUMN)
    cells = figure.axes[0].collections[0]
    np.testing.assert_array_equal(
        np.ma.getmaskarray(cells.get_array()), np.isnan(cosines[np.ix_([1, 0, 2], [1, 0, 2])])
    )
    ends = [np.array(to_rgb(PLAIN.palette.cosine[k][1])) for k in (0, -1)]
    colours = cells.to_rgba(cells.get_array())[..., :3]
    np.testing.assert_allclose((colours[0, 1], colours[0, 0]), ends, atol=1 / 255)


def luminance(colour: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("colours", COLOURS)
def test_a_larger_gradient_stands_out_more_in_a_grey_copy_too(scheme: Any, colours: Any):
    palette = palette_of(scheme, colours)
    steps = np.diff([luminance(colour) for _, colour in palette.arrows])
    assert (steps < 0).all() if scheme == "light" else (steps > 0).all()
    apart = [abs(luminance(colour) - luminance(palette.paper)) for _, colour in palette.arrows]
    assert apart[0] > 0.05


def test_the_colours_of_okabe_and_ito_are_theirs():
    theirs = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
    assert set(palette_of("light", "okabe-ito").runs) == theirs
    greys = [colour for _, colour in palette_of("light", "grey").arrows]
    assert all(len(set(to_rgb(colour))) == 1 for colour in greys)


@pytest.mark.parametrize("kind", STILLS)
def test_the_same_figure_has_the_same_bytes_and_tells_its_conditions(kind: Any):
    row = [Shown(random_field(), REQUEST)]
    made = [row_bytes(row, ["None"], PLAIN, [Scale.of([row[0].field])], kind, share_scale=False, sheet=COLUMN)] * 2
    assert made[0] == made[1]
    content, caption = made[0]
    assert f"epoch {REQUEST.epoch}" in caption
    assert REQUEST.x in caption
    match kind:
        case "png":
            image = Image.open(io.BytesIO(content))
            assert image.width == round(300 * COLUMN.width)
            assert image.info["Description"] == caption
        case "svg":
            root = ElementTree.fromstring(content)
            texts = {"".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")}
            assert f"Δ {REQUEST.x}" in texts
            assert any(caption in (each.text or "") for each in root.iter())
        case "pdf":
            assert re.search(rb"/FontFile2", content)
            assert b"/Type3" not in content


@pytest.mark.skipif(shutil.which("pdffonts") is None, reason="poppler-utils is not installed")
def test_poppler_opens_the_pdf_with_its_fonts_and_its_text(tmp_path: Path):
    path = tmp_path / "f.pdf"
    row = row_of(2)
    scales = [Scale.of([shown.field for shown in row])] * 2
    path.write_bytes(row_bytes(row, ["None"] * 2, PLAIN, scales, "pdf", share_scale=True, sheet=COLUMN)[0])

    def told(*command: str) -> str:
        return subprocess.run([*command], capture_output=True, text=True, check=True).stdout

    fonts = told("pdffonts", str(path)).splitlines()[2:]
    assert fonts
    for font in fonts:
        assert "TrueType" in font
        assert re.search(r"\byes\s+yes\s+yes\b", font), font  # embedded, a part of the font, and with its letters told
    text = told("pdftotext", "-layout", str(path), "-")
    for words in ("minibatch 0", "minibatch 1", f"Δ {REQUEST.x}", "log10 |∇J|"):
        assert words in text
    assert "2 gradient landscapes" in told("pdfinfo", str(path))
    subprocess.run(["pdftoppm", "-r", "300", "-png", "-singlefile", str(path), str(tmp_path / "page")], check=True)
    page = np.asarray(Image.open(tmp_path / "page.png").convert("L"))
    assert page.shape[1] == round(300 * COLUMN.width)
    assert (page < 128).mean() > 0.01
