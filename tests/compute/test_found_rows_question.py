"""The search in rows' texts: what it finds, that it is asked like any question, and read once for each text."""

import json

import pytest

from gradviz.compute import found_rows
from gradviz.compute.found_rows import MOST_FOUND, FoundRowsQuestion
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.pausing import asking


def texts_of(run: Run) -> dict[int, str]:
    rows = run.rows()
    return {
        row: " ".join(rows.texts(rows.train_rows[at : at + 1])[0].values())
        for at, row in enumerate(rows.train_rows.tolist())
    }


@pytest.mark.parametrize("rows_at_once", [7, 4096])
def test_it_finds_the_rows_that_have_every_word(
    tiny_store: RunStore, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(found_rows, "_ROWS_AT_ONCE", rows_at_once)
    run = tiny_store.run("none")
    texts = texts_of(run)
    last = list(texts)[-1]
    word = texts[last].split()[0]
    wanted = [row for row, text in texts.items() if word in text and "1" in text]
    found, num_found = found_rows.found_rows(run, f" {word} 1", MOST_FOUND)
    assert (found, num_found) == (wanted[:MOST_FOUND], len(wanted))
    found, num_found = found_rows.found_rows(run, str(last), 3)
    others = [row for row, text in texts.items() if row != last and str(last) in text]
    assert (found, num_found) == ([last, *others][:3], 1 + len(others))


def test_a_study_s_rows_are_described_once_for_each_text(compute: LocalCompute, monkeypatch: pytest.MonkeyPatch):
    described = []

    def descriptions(run: StudyRun, batch: tuple) -> list[str]:
        described.append(len(batch[1]))
        return [f"digit {label}" for label in batch[1].tolist()]

    monkeypatch.setattr(StudyRun, "descriptions", descriptions)
    run = compute.store.any_run("net")
    labels = [label for _, batch in run.minibatches() for label in batch.tolist()]  # pyright: ignore
    asked = QUESTION.validate_json(FoundRowsQuestion(run="net", text=f"DIGIT {labels[3]}").model_dump_json())
    told = json.loads(compute.ask(asked))
    wanted = [row for row, label in enumerate(labels) if label == labels[3] and str(row) != "DIGIT"]
    assert told == {"rows": wanted[:MOST_FOUND], "num_found": len(wanted)}
    assert sum(described) == len(labels)
    assert json.loads(compute.ask(asked)) == told
    assert sum(described) == len(labels)


def test_it_ends_when_told(tiny_store: RunStore):
    def end() -> None:
        raise InterruptedError

    with asking(end), pytest.raises(InterruptedError):
        found_rows.found_rows(tiny_store.run("none"), "1", MOST_FOUND)


def test_the_key_changes_with_text_and_run(tiny_store: RunStore):
    asked = [FoundRowsQuestion(run=run, text=text) for run in ("none", "dropout") for text in ("1", "2")]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)
