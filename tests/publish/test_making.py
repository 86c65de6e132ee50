"""What is chosen, what a site will take, and where it may be written."""

import json
import os
import re
from collections.abc import Callable
from gzip import decompress
from pathlib import Path

import pytest

from gradviz.cli import main
from gradviz.errors import UserError
from gradviz.publish.choices import read_epochs
from gradviz.publish.questions import stack
from gradviz.publish.site import MARK, check_place, take_place
from tests.publish.made import PAIR, make_site

SMALL = ("--epochs", "2", "--minibatches", "1", "--with", "")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def publish(
    tiny_runs: Path, publish_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(publish_cache))

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["publish", "--runs", str(tiny_runs), *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def bytes_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_the_size_that_is_told_beforehand_is_nearly_the_size(publish: Run, tmp_path: Path) -> None:
    status, said, _ = publish("--out", tmp_path / "site", "--minibatch-size", 16, "--mode", "eval,train", "--with", "")
    told = re.search(r"takes about ([0-9.]+) MB", said)
    assert status == 0
    assert told
    assert float(told[1]) == pytest.approx(bytes_of(tmp_path / "site") / 1e6, rel=0.15)
    assert f"{bytes_of(tmp_path / 'site') / 1e6:.1f} MB" in said.splitlines()[-1]


def test_beyond_the_limit_it_says_what_to_leave_out_and_writes_nothing(publish: Run, tmp_path: Path) -> None:
    status, _, said = publish("--out", tmp_path / "site", "--limit-mb", 1)
    assert status == 2
    assert "--limit-mb is 1" in said
    assert "pictures of" in said
    assert "fewer --epochs" in said
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_tells_the_size_alone(publish: Run, tmp_path: Path) -> None:
    status, said, _ = publish("--out", tmp_path / "site", "--dry-run", *SMALL)
    assert status == 0
    assert "takes about" in said
    assert list(tmp_path.iterdir()) == []


def test_a_site_takes_the_place_of_an_older_one_whole(tiny_runs: Path, publish_cache: Path, tmp_path: Path) -> None:
    out = make_site(tiny_runs, publish_cache, tmp_path / "site", *SMALL)
    before = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "data" / "old.bin").write_bytes(b"of an older site")
    make_site(tiny_runs, publish_cache, out, *SMALL)
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_others_may_read_it_as_far_as_the_umask_says(tiny_runs: Path, publish_cache: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        out = make_site(tiny_runs, publish_cache, tmp_path / "site", *SMALL)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (out, out / "data")} == {0o750}
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()} == {0o640}


def test_a_directory_with_anything_else_is_left_alone(publish: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    status, _, said = publish("--out", tmp_path)
    assert status == 2
    assert "not empty and no site of gradviz" in said
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("kind", ["file", "link", "no parent"])
def test_other_places_are_refused(tmp_path: Path, kind: str) -> None:
    out = tmp_path / ("gone/site" if kind == "no parent" else "site")
    if kind == "file":
        out.write_text("")
    elif kind == "link":
        out.symlink_to(tmp_path)
    with pytest.raises(UserError, match="--out"):
        check_place(out)


def test_empty_directories_and_sites_are_fine_places(tmp_path: Path) -> None:
    check_place(tmp_path)
    (tmp_path / MARK).write_text(json.dumps({}))
    check_place(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--run", "none,gone"), "there is no run gone"),
        (("--epochs", "1,9"), "none has no epoch 9, only 0 to 2"),
        (("--epochs", "two"), "`--epochs` takes all"),
        (("--minibatch-size", "7"), "no minibatches of 7 rows"),
        (("--minibatches", "-1"), "minibatches"),
        (("--mode", "test"), "`--mode` takes eval, train, frozen, averaged, got 'test'"),
        (("--with", "probe"), "`--with` takes"),
        (("--pair", "hidden.9.linear.bias[0]", "hidden.9.linear.bias[1]"), "none has none of the pairs"),
        (("--limit-mb", "0"), "`--limit-mb` must be positive"),
    ],
)
def test_mistakes_are_told_in_one_line(publish: Run, tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    status, _, said = publish("--out", tmp_path / "site", *arguments)
    assert (status, said.count("\n")) == (2, 1)
    assert word in said
    assert list(tmp_path.iterdir()) == []


def test_epochs_are_numbers_and_ranges() -> None:
    assert read_epochs("all") == ()
    assert read_epochs("5,0,10-12, 11") == (5, 0, 10, 11, 12)


def test_rows_come_when_they_are_asked_for(tiny_runs: Path, publish_cache: Path, tmp_path: Path) -> None:
    out = make_site(tiny_runs, publish_cache, tmp_path / "site", *SMALL, "--rows")

    index = json.loads(decompress((out / "data" / "start.bin").read_bytes()))["index"]
    asked = [question for question in index if question.startswith("rows?")]
    assert len(asked) == 4  # of two pairs of two runs
    told = json.loads(decompress((out / "data" / f"{index[asked[0]]}.bin").read_bytes()))[asked[0]]
    assert len(told["rows"]) == 16
    assert told["rows"][0]["text"]


def test_without_pairs_those_that_the_page_shows_are_in_it(publish: Run, tmp_path: Path) -> None:
    _, said, _ = publish("--out", tmp_path / "site", "--dry-run", *SMALL)
    assert f"{PAIR[0]} & {PAIR[1]}" in said
    assert "hidden.2.linear.bias[0] & hidden.2.linear.bias[1]" in said


def test_evidence_is_there_measured(tiny_runs: Path, publish_cache: Path, tmp_path: Path) -> None:
    out = make_site(tiny_runs, publish_cache, tmp_path / "site", *SMALL[:-1], "evidence")

    index = json.loads(decompress((out / "data" / "start.bin").read_bytes()))["index"]
    verdicts = [question for question in index if question.startswith("evidence/")]
    assert "evidence" in index
    assert len(verdicts) > 10
    for question in verdicts:
        told = json.loads(decompress((out / "data" / f"{index[question]}.bin").read_bytes()))[question]
        assert told["state"] in ("measured", "missing")


def test_an_older_site_stays_where_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    out, made = tmp_path / "site", tmp_path / "made"
    for each in (out, made):
        each.mkdir()
        (each / MARK).write_text(each.name)
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self == made:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(UserError, match="cannot be replaced"):
            take_place(made, out)
    assert (out / MARK).read_text() == "site"


def test_a_refusal_is_no_picture() -> None:
    file = stack({"run": "none"}, "epochs", [0, 1], 1)
    with pytest.raises(UserError, match="could not be made: There is no minibatch 9"):
        file.content(lambda address: b'{"error":"There is no minibatch 9."}')


def test_an_address_that_names_no_size_opens_the_minibatches_that_are_there(site: Path) -> None:
    start = json.loads(decompress((site / "data" / "start.bin").read_bytes()))
    assert [told["view"]["minibatch_size"] for told in start["first"].values()] == [16, 16, 16]
    assert start["view"]["properties"]["minibatch_size"]["default"] == 16
