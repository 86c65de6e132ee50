"""Lessons from their files: each mistake of a teacher's is one clear line, and the other files are served."""

import os
import re
from pathlib import Path

import pytest

from gradviz.dashboard.assets import assets_folder
from gradviz.dashboard.lesson_file import Broken, read_lesson
from gradviz.dashboard.lesson_numbers import NUMBERS, TEXTS
from gradviz.dashboard.lesson_view import EPOCH_WORDS
from gradviz.dashboard.lessons import lessons_at_hand

FRONT = "---\ntitle: Mine\nsummary: A short one.\nminutes: 3\n---\n"
STEP = "\n## First\n\nOne idea, at epoch {{epoch}}.\n"
ASK = "\n```question\nask: Which?\nchoices: [this, that]\nanswer: 2\n```\n\nThat one.\n"


def written(folder: Path, name: str = "1-mine.md", text: str = FRONT + STEP) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def step(text: str) -> str:
    return read_lesson("mine", "1-mine.md", FRONT + STEP + text).model_dump_json()


def block(kind: str, lines: str) -> str:
    return f"\n```{kind}\n{lines}\n```\n"


MISTAKES = {
    "no front matter": (STEP, "it must begin with front matter"),
    "a word that is no number": (FRONT.replace("3", "many") + STEP, "`minutes`", "'many'"),
    "no summary": (FRONT.replace("summary: A short one.\n", "") + STEP, "`summary` is missing"),
    "an unknown key": (FRONT.replace("minutes", "mood: good\nminutes") + STEP, "`mood` is unknown"),
    "no YAML": (FRONT.replace("title: Mine", "title: [Mine") + STEP, "front matter: it is not YAML, line"),
    "a key twice": (FRONT.replace("minutes: 3", "minutes: 3\nminutes: 4") + STEP, "`minutes` is given twice"),
    "no step": (FRONT + "\nwords", "stands before the first `## Title`", "1 to 40 steps", "got 0"),
    "another heading": (FRONT + STEP + "\n# Big\n", "the heading `Big` is none of a step"),
    "an epoch": (FRONT + STEP + block("view", "epoch: lst"), "step 1 “First”: view: `epoch`", "'lst'", "balanced"),
    "an unknown field": (FRONT + STEP + block("view", "epcoh: 1"), "`epcoh` is not a field of the view", "epoch"),
    "a field of the player": (FRONT + STEP + block("view", "lesson: a"), "`lesson` is not a field"),
    "masks": (FRONT + STEP + block("view", "masks: some"), "`masks`", "'fresh', 'frozen' or 'averaged'", "'some'"),
    "an even grid": (FRONT + STEP + block("view", "points: 4"), "`points` must be odd", "got 4"),
    "an axis": (FRONT + STEP + block("view", "x1: live"), "`x1`", "live TENSOR"),
    "no value": (FRONT + STEP + block("view", "epoch:"), "`epoch`: it has no value"),
    "an unknown block": (FRONT + STEP + block("veiw", "epoch: 1"), "the block `veiw` is unknown", "view, question"),
    "a block twice": (FRONT + STEP + 2 * block("view", "epoch: 1"), "it has two blocks `view`"),
    "one choice": (FRONT + STEP + block("question", "ask: a?\nchoices: [b]\nanswer: 1") + "So.", "2 to 4, got 1"),
    "a missing choice": (
        FRONT + STEP + block("question", "ask: a?\nchoices: [b, c]\nanswer: 3") + "So.",
        "`answer` is 3, but there are 2 choices",
    ),
    "no reveal": (FRONT + STEP + ASK.replace("That one.", ""), "nothing follows its question"),
    "no done": (FRONT + STEP + block("question", "try: Move it.") + "So.", "`try` and `done` go together"),
    "an odd done": (
        FRONT + STEP + block("question", "try: Move it.\ndone: minibatch > 0") + "So.",
        "`done` compares a field of the view by = or !=",
    ),
    "an unknown number": (FRONT + STEP + "\nIt is {{ruoghness}}.", "`ruoghness` names no number", "roughness"),
    "paths without condition": (FRONT + STEP + "\nIt is {{ratio}}.", "`ratio` is of Paths", "order"),
    "a condition": (FRONT + STEP + block("shows", "R is large"), "`R is large` is not a condition"),
    "no number in a condition": (FRONT + STEP + block("shows", "R > much"), "`much` is not a number"),
    "a text in a condition": (FRONT + STEP + block("shows", "x > 3"), "`x` is a text"),
    "a picture": (FRONT + STEP + "\n![a](https://a.example/b.png)", "the picture `https://a.example/b.png`"),
    "a file's link": (FRONT + STEP + "\n[a](ftp://a.example/b)", "the link `ftp://a.example/b` is refused"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_line_that_says_where_what_and_what_is_allowed(name: str, tmp_path: Path):
    text, *said = MISTAKES[name]
    folder = written(tmp_path / "own", "2-bad.md", text)
    written(folder, "3-good.md")
    found = lessons_at_hand(folder)
    assert "good" in found.lessons
    assert "bad" not in found.lessons
    assert found.broken
    assert all(line.startswith("2-bad.md") and "\n" not in line for line in found.broken)
    assert all(each in " ".join(found.broken) for each in said), found.broken


def test_all_mistakes_of_a_file_are_told_at_once():
    text = FRONT.replace("3", "many") + STEP + block("view", "epoch: lst\nmasks: some") + block("shows", "R > much")
    with pytest.raises(Broken) as error:
        read_lesson("bad", "bad.md", text)
    assert len(error.value.mistakes) == 4


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda path: path.write_bytes(b"a" * 300_000), "bytes"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read"),
        (os.mkfifo, "a FIFO"),
    ],
    ids=["not text", "too large", "a folder", "a dangling link", "a pipe, on which a reader would wait"],
)
def test_a_file_that_is_no_text_is_named(make, said: str, tmp_path: Path):
    folder = written(tmp_path / "own")
    make(folder / "2-odd.md")
    found = lessons_at_hand(folder)
    assert "mine" in found.lessons
    assert [line for line in found.broken if line.startswith("2-odd.md") and said in line]


def test_a_folder_that_is_gone_is_named_and_the_package_s_lessons_stay(tmp_path: Path):
    found = lessons_at_hand(tmp_path / "gone")
    assert found.lessons == lessons_at_hand(None).lessons
    assert "gone" in found.broken[0]


def test_an_own_lesson_takes_the_place_of_the_package_s_of_its_key(tmp_path: Path):
    keys = list(lessons_at_hand(None).lessons)
    found = lessons_at_hand(written(written(tmp_path / "own", "9-arrow.md"), "two.md")).lessons
    assert list(found) == [*keys, "two"]
    assert found["arrow"].title == "Mine"


def test_two_files_of_one_key_are_told(tmp_path: Path):
    folder = written(written(tmp_path / "own", "1-mine.md"), "2-mine.md")
    assert [line for line in lessons_at_hand(folder).broken if line.startswith("2-mine.md: another file")]


def test_a_changed_file_is_read_again(tmp_path: Path):
    folder = written(tmp_path / "own")
    assert lessons_at_hand(folder).lessons["mine"].title == "Mine"
    written(folder, text=(FRONT + STEP).replace("Mine", "New"))
    assert lessons_at_hand(folder).lessons["mine"].title == "New"


def test_html_of_a_text_is_shown_as_it_is_written():
    told = read_lesson("mine", "f.md", FRONT + STEP + "\n<script>alert(1)</script> <b>x</b> [y](javascript:alert(1))\n")
    text = told.steps[0].text
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text
    assert "<a" not in text


def test_links_of_a_text_open_nothing_of_the_page():
    text = read_lesson("m", "f.md", FRONT + STEP + "\n[a](https://a.example/) [b](?view=evidence)\n").steps[0].text
    assert '<a href="https://a.example/" rel="noopener noreferrer" target="_blank">a</a>' in text
    assert '<a href="?view=evidence">b</a>' in text


def test_words_of_a_view_are_kept_for_the_page_and_values_are_the_view_s():
    lines = "run: dropout\nepoch: middle\nx1: live hidden.1.linear.bias\nlength: true\n"
    lines += "minus: off\nshow: [spread]\nminibatch: 3"
    fields = read_lesson("m", "f.md", FRONT + STEP + block("view", lines)).model_dump()["steps"][0]["view"]["fields"]
    assert fields == {
        "run": "dropout",
        "epoch": {"word": "middle", "tensor": None},
        "x_a": {"word": "live", "tensor": "hidden.1.linear.bias"},
        "length": "true",
        "minus": "off",
        "show": ["spread"],
        "minibatch": 3,
    }


def test_the_package_s_lessons_have_no_mistake():
    found = lessons_at_hand(None)
    assert found.broken == []
    assert len(found.lessons) >= 2


def test_the_page_measures_all_numbers_that_a_lesson_may_name():
    script = (assets_folder() / "pure" / "lessonnumbers.js").read_text()
    tables = re.findall(r"^const OF_\w+ = \{\n(.*?)^\};", script, re.MULTILINE | re.DOTALL)
    measured = {name for table in tables for name in re.findall(r"^  (\w+)[:,]", table, re.MULTILINE)}
    assert measured == {*NUMBERS, *TEXTS}


def test_the_guide_names_all_numbers_and_words():
    guide = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text()
    for name in [*NUMBERS, *TEXTS]:
        assert re.search(rf"^\| `{name}\b", guide, re.MULTILINE), name
    for word in EPOCH_WORDS:
        assert f"`epoch: {word}`" in guide or f"`{word}`" in guide


def test_the_guide_s_lesson_is_one():
    guide = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text()
    lines = guide.partition("## The file\n\n")[2].partition("\nBetween the lines")[0].splitlines()
    lesson = read_lesson("signs", "1-signs.md", "\n".join(line.removeprefix("    ") for line in lines))
    assert [each.title for each in lesson.steps] == ["Before training"]
    assert lesson.steps[0].question
    assert [each.text for each in lesson.steps[0].shows] == ["R > 0.9"]
