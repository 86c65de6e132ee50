"""What belongs to one study is known in its own package, and in the engine and the trainer of its network alone."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "gradviz"
OF_DELIVERIES = re.compile(
    r"\b675\b|NUM_INPUTS|NUM_CHARACTERS|below.target|share_below|l1_loss|hidden\.\d|\bdeliver(?:y|ies|er)"
)

# The network of deliveries and its trainer, the loss itself, and the names of the study.
ITS_NETWORK = {
    "config.py",
    "losses.py",
    "metrics.py",
    "model.py",
    "opening.py",
    "presets.py",
    "rows.py",
    "run_record.py",
    "store.py",
    "study_loading.py",
    "trainer.py",
    "training.py",
}


def files(room: str) -> list[Path]:
    places = [path for path in (PACKAGE / room).rglob("*.py") if "deliveries" not in path.parts]
    return [path for path in places if not (path.parent == PACKAGE / room and path.name in ITS_NETWORK)]


@pytest.mark.parametrize("path", files("experiment"), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_experiment_room_knows_no_study_of_its_own(path: Path):
    assert OF_DELIVERIES.findall(path.read_text()) == []


def test_the_list_of_exceptions_is_no_longer_than_needed():
    unneeded = [name for name in ITS_NETWORK if not OF_DELIVERIES.search((PACKAGE / "experiment" / name).read_text())]
    assert unneeded == []
