"""A whole report of tiny runs: what it writes, that it repeats to the byte, and that only what changed changes."""

import html
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from plotly.offline import get_plotlyjs

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.evidence.claims import CLAIMS
from gradviz.experiment.run import state_shapes
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.tensor_file import read_tensors, write_tensors
from gradviz.report.contents import contents
from gradviz.report.findings import Findings, read_findings
from gradviz.report.measuring import Measuring
from gradviz.report.numbers import estimate
from gradviz.report.writing import markdown_of, write_report

Write = Callable[[Path], list[str]]


@pytest.fixture(scope="module")
def write(measured: FieldCache) -> Write:
    """Writes the report of a directory of runs into the directory `report` beside it; what was said meanwhile."""

    def run(runs: Path) -> list[str]:
        said: list[str] = []
        seeds = [Measuring(LocalCompute(RunStore(runs), measured, device="cpu"), said.append)]
        write_report(runs.with_name("report"), seeds, said.append)
        return said

    return run


@pytest.fixture(scope="module")
def report(tiny_runs: Path, tmp_path_factory: pytest.TempPathFactory, write: Write) -> Path:
    """A finished report, with the runs that it is of beside it. Read only."""
    runs = shutil.copytree(tiny_runs, tmp_path_factory.mktemp("report") / "runs")
    write(runs)
    return runs.with_name("report")


@pytest.fixture
def own_report(report: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(report.with_name("runs"), tmp_path / "runs")
    return shutil.copytree(report, tmp_path / "report")


def content_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_there_is_a_page_a_text_the_numbers_and_pictures(report: Path):
    names = set(content_of(report))
    assert {"findings.html", "findings.md", "findings.json", "findings/parts.json", "findings/mid-none.png"} <= names
    assert {"findings/mid-none.gif", "findings/over-epochs.png", "findings/batchnorm-precision.png"} <= names


def test_a_second_run_measures_and_draws_nothing_and_gives_the_same_bytes(own_report: Path, write: Write):
    before = content_of(own_report)
    times = {name: (own_report / name).stat().st_mtime_ns for name in before}
    said = write(own_report.with_name("runs"))
    assert said == ["writing the report"]
    assert content_of(own_report) == before
    assert {name: (own_report / name).stat().st_mtime_ns for name in before} == times


def test_a_changed_checkpoint_changes_its_own_pictures_only(own_report: Path, write: Write):
    path = checkpoint_path(own_report.with_name("runs") / "batchnorm", 2)
    tensors = read_tensors(path, state_shapes(RunStore(path.parents[1]).run("batchnorm").config))
    write_tensors(path, {name: tensor + torch.tensor(1e-3) for name, tensor in tensors.items()})
    before = content_of(own_report)
    write(own_report.with_name("runs"))
    after = content_of(own_report)
    changed = {Path(name).stem for name in before if before[name] != after[name]}
    own = {"batchnorm-beta", "batchnorm-eval", "batchnorm-precision", "drift"}
    assert changed <= own | {"findings", "parts", "over-epochs", "balance"}
    assert {"findings", "batchnorm-beta", "batchnorm-precision"} <= changed


def test_a_damaged_picture_is_drawn_again(own_report: Path, write: Write):
    picture = own_report / "findings" / "start-none.png"
    before = picture.read_bytes()
    picture.write_bytes(b"not a picture")
    assert write(own_report.with_name("runs")) == ["drawing start-none.png", "writing the report"]
    assert picture.read_bytes() == before


def test_pictures_that_are_not_wanted_go_and_files_of_others_stay(own_report: Path, write: Write):
    for kind in ("png", "gif"):
        shutil.copy(own_report / "findings" / f"mid-none.{kind}", own_report / "findings" / f"old.{kind}")
    manifest = own_report / "findings" / "parts.json"
    manifest.write_text(manifest.read_text().replace('"mid-none.gif"', '"old.gif"'))
    write(own_report.with_name("runs"))
    assert not (own_report / "findings" / "old.gif").exists()
    assert (own_report / "findings" / "old.png").exists()


def test_every_number_of_the_text_comes_from_the_json(report: Path):
    animations = frozenset(path.stem for path in (report / "findings").glob("*.gif"))
    findings = read_findings(report / "findings.json")
    assert markdown_of(contents(findings), animations) == (report / "findings.md").read_text()


def test_null_models_of_all_sizes_are_in_the_text(report: Path):
    findings = read_findings(report / "findings.json")
    text = (report / "findings.md").read_text()
    nulls = findings.seeds[0].evidence.nulls
    assert nulls
    for null in nulls:
        ratio = estimate(null.sensitivity)
        assert f"| seed 0, epoch {null.epoch}, {null.scope} | {null.minibatch_size} | {null.num_minibatches} |" in text
        assert f"| {ratio} |" in text


def test_a_changed_number_in_the_json_changes_the_text(report: Path):
    findings = read_findings(report / "findings.json")
    text = markdown_of(contents(findings), frozenset())
    first = findings.seeds[0]
    scenes = first.evidence.scenes
    for k in range(len(scenes)):
        panel = scenes[k].panels[0]
        other = panel.roughness.angle.model_copy(update={"value": 77.7, "low": 77.6, "high": 77.8})
        changed = panel.model_copy(update={"roughness": panel.roughness.model_copy(update={"angle": other})})
        scene = scenes[k].model_copy(update={"panels": (changed, *scenes[k].panels[1:])})
        evidence = first.evidence.model_copy(update={"scenes": (*scenes[:k], scene, *scenes[k + 1 :])})
        moved = findings.model_copy(update={"seeds": (first.model_copy(update={"evidence": evidence}),)})
        assert "77.7" in markdown_of(contents(moved), frozenset())
    assert "77.7" not in text


def test_each_claim_has_its_words_and_its_verdict_in_both_documents(report: Path):
    findings: Findings = read_findings(report / "findings.json")
    for document in ("findings.html", "findings.md"):
        text = html.unescape((report / document).read_text())
        for claim, summary in zip(CLAIMS, findings.summary, strict=True):
            assert claim.question in text
            assert summary.kinds[0].value in text


def test_each_claim_is_told_with_what_its_verdict_is_held_against(report: Path):
    page, text = (report / "findings.html").read_text(), (report / "findings.md").read_text()
    for claim in CLAIMS:
        beside = claim.beside
        said = f"Null: {beside.null} Control: {beside.control} Comparisons: {beside.several}"
        assert html.escape(said) in page
        assert said in text.replace("\\", "")


def test_the_page_refers_to_nothing_outside_itself(report: Path):
    whole = (report / "findings.html").read_text()
    assert whole.count(get_plotlyjs()) == 1
    rest = whole.replace(get_plotlyjs(), "")  # it names addresses that it does not call
    assert not re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?!data:)', rest)
    namespace = "http://www.w3.org/2000/svg"  # a name that nobody calls
    assert set(re.findall(r'https?://([^/"\s:]+)', rest.replace(namespace, ""))) <= {"127.0.0.1"}
    assert "default-src &#x27;none&#x27;" in rest


def test_the_page_is_small_enough_to_send(report: Path):
    assert (report / "findings.html").stat().st_size < 15_000_000


def test_pictures_of_the_text_are_there(report: Path):
    text = (report / "findings.md").read_text()
    named = re.findall(r"\]\((findings/[^)]+)\)", text) + re.findall(r"`(findings/[^`]+)`", text)
    assert len(named) > 10
    assert not [name for name in named if not (report / name).is_file()]
