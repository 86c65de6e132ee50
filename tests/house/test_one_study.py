"""What belongs to one study is known in its own package, and in the engine and the trainer of its network alone."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gradviz"
OF_DELIVERIES = re.compile(
    r"\b675\b|NUM_INPUTS|NUM_CHARACTERS|below.target|share_below|l1_loss|hidden\.\d|\bdeliver(?:y|ies|er)"
)

# The built-in network, the loss itself, and where runs of deliveries and of other studies are told apart.
ITS_NETWORK = {"losses.py", "model.py", "run_record.py", "store.py", "study_loading.py"}


# What reads a run of deliveries, or a configuration of one.
ITS_READERS = {"capabilities.py", "describe.py", "grouping.py", "model.py", "run.py", "run_record.py"}

ITS_PACKAGE = re.compile(r"gradviz\.experiment\.studies\.deliveries")


def files(room: str) -> list[Path]:
    return [path for path in (PACKAGE / room).rglob("*.py") if "deliveries" not in path.parts]


def own_text(path: Path) -> str:
    """The text without the addresses of imports."""
    return ITS_PACKAGE.sub("", path.read_text())


def exceptions(names: set[str]) -> set[Path]:
    return {PACKAGE / "experiment" / name for name in names}


@pytest.mark.parametrize("path", files("experiment"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_experiment_room_knows_no_study_of_its_own(path: Path):
    known = OF_DELIVERIES.search(own_text(path)) is not None
    assert known == (path in exceptions(ITS_NETWORK))


@pytest.mark.parametrize("path", files("experiment"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_experiment_room_imports_no_study_of_its_own(path: Path):
    imports = ITS_PACKAGE.search(path.read_text()) is not None
    assert imports == (path in exceptions(ITS_READERS))
