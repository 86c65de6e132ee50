"""What belongs to one study is known in its own package; each other file that knows it says here why it must."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gradviz"
ROOMS = (
    "experiment",
    "landscape",
    "evidence",
    "compute",
    "drawing",
    "dashboard",
    "report",
    "publish",
    "commands",
    "serving",
)
OF_DELIVERIES = re.compile(
    r"\b675\b|NUM_INPUTS|NUM_CHARACTERS|below.target|share_below|l1_loss|hidden\.\d|\bdeliver(?:ies|er)\b"
)
ITS_PACKAGE = re.compile(r"gradviz\.experiment\.studies\.deliveries")

# The built-in network, the loss itself, and where runs of deliveries and of other studies are told apart.
ITS_NETWORK = {"losses.py", "model.py", "run_record.py", "store.py", "study_loading.py"}
# What reads a run of deliveries, or a configuration of one.
ITS_READERS = {"capabilities.py", "describe.py", "grouping.py", "model.py", "run.py", "run_record.py"}

KNOWN_ELSEWHERE = {
    "the engine of the built-in network: its loss, its plain loop, its benchmark and that of replay against it": """
        landscape/backward.py landscape/bench.py landscape/landscape.py landscape/parameters.py landscape/reference.py
        landscape/replay/bench.py landscape/per_row/kinks.py landscape/statistics/checkpoint.py
        landscape/statistics/cosines.py""",
    "one of the functions with kinks, which any study may use": "landscape/per_row/gating.py",
    "an answer of version 0.1 has `share_below`, which is null for other studies": """
        landscape/field.py landscape/replay/landscape.py compute/agreement.py compute/export.py drawing/figure.py
        drawing/frames.py drawing/inline.py drawing/labels.py drawing/multiples.py dashboard/answers.py
        dashboard/course.py dashboard/run_answers.py dashboard/run_told.py dashboard/lesson_numbers.py
        commands/landscape.py""",
    "the claims, which are of deliveries, and the report on them": """
        evidence/ablation.py evidence/agreeing.py evidence/balancing.py evidence/choosing.py
        evidence/claims/accuracy.py evidence/claims/remarks.py evidence/claims/studies.py evidence/gathering.py
        evidence/gathering_studies.py evidence/measurements.py evidence/measuring.py evidence/measuring_studies.py
        evidence/parts.py evidence/precision.py evidence/roles.py evidence/scenes.py evidence/selection.py
        evidence/studied.py evidence/studied_runs.py report/captions.py report/concluding.py report/contents.py
        report/seeds.py report/why.py commands/report.py dashboard/evidence_answers.py dashboard/evidence_api.py""",
    "runs of deliveries are trained by their own configuration, and told with it": """
        compute/background.py compute/celery/messages.py compute/celery/segment.py compute/celery/training.py
        compute/paths.py compute/study_landscape.py compute/units.py commands/runs.py commands/train.py
        dashboard/overview.py dashboard/run_colours.py dashboard/runs_api.py""",
    "lessons show the epochs at which the signs of an L1 loss are balanced, or all alike": "publish/steps.py",
    "an example of a parameter's name, or a sentence of the guide": """
        commands/options.py compute/cosines.py compute/recipe.py dashboard/help.py dashboard/openapi.py
        landscape/directions/axis.py""",
}
KNOWN_BY_THE_PAGE = {
    "the sign balance of an L1 loss, where an answer tells it": """
        pure/lessonnumbers.js pure/lessonwords.js
        page/state.js pure/minibatch.js pure/plain.js pure/spread.js standalone/report.js views/coursecurves.js
        views/gridreading.js views/questions.js views/spreadwords.js""",
    "on which side of its target a row is predicted, where an answer tells it": """
        page/rows.js pure/rowlist.js views/rowwords.js views/rowtable.js""",
    "the labels of the built-in network's layers, and the table of its runs": "pure/tensors.js views/runtables.js",
    "which runs are compared where a link names none, as dashboard/permalink.py says": "site/permalink.js",
    "the server's sentence about the name of a direction, with an example": "pure/axes.js",
}


def files(room: str) -> list[Path]:
    return [path for path in (PACKAGE / room).rglob("*.py") if "deliveries" not in path.parts]


def own_text(path: Path) -> str:
    """The text without the addresses of imports."""
    return ITS_PACKAGE.sub("", path.read_text())


def exceptions(names: set[str]) -> set[Path]:
    return {PACKAGE / "experiment" / name for name in names}


def listed(reasons: dict[str, str], place: Path) -> set[Path]:
    return {place / name for names in reasons.values() for name in names.split()}


@pytest.mark.parametrize("path", files("experiment"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_experiment_room_knows_no_study_of_its_own(path: Path):
    known = OF_DELIVERIES.search(own_text(path)) is not None
    assert known == (path in exceptions(ITS_NETWORK))


@pytest.mark.parametrize("path", files("experiment"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_experiment_room_imports_no_study_of_its_own(path: Path):
    imports = ITS_PACKAGE.search(path.read_text()) is not None
    assert imports == (path in exceptions(ITS_READERS))


@pytest.mark.parametrize("room", ROOMS[1:])
def test_another_room_knows_it_for_a_stated_reason_alone(room: str):
    knows = {path for path in files(room) if OF_DELIVERIES.search(text := path.read_text()) or ITS_PACKAGE.search(text)}
    assert knows <= listed(KNOWN_ELSEWHERE, PACKAGE)


def test_the_page_knows_it_for_a_stated_reason_alone():
    scripts = ROOT / "assets"
    knows = {path for path in scripts.rglob("*.js") if OF_DELIVERIES.search(path.read_text())}
    assert knows <= listed(KNOWN_BY_THE_PAGE, scripts)


def test_each_listed_file_exists():
    missing = [
        path
        for path in listed(KNOWN_ELSEWHERE, PACKAGE) | listed(KNOWN_BY_THE_PAGE, ROOT / "assets")
        if not path.is_file()
    ]
    assert missing == []


def test_the_network_and_its_benchmark_alone_know_the_size_of_the_table():
    knows = {
        path
        for room in ROOMS
        for path in files(room)
        if re.search(r"\b675\b|NUM_INPUTS|NUM_CHARACTERS|linear_ests", path.read_text())
    }
    assert knows == {PACKAGE / "experiment" / "model.py", PACKAGE / "landscape" / "bench.py"}
