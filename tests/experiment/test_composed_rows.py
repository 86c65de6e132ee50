"""Rows by their numbers: both kinds of runs have the same methods, and a composed minibatch has its rows' values."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

import gradviz
from gradviz.errors import UserError
from gradviz.experiment.batches import Batch, joined, num_rows, same, selected
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_run import StudyRun

SIZES = (5, 3, 7)


class Pair(NamedTuple):
    inputs: Tensor
    target: Tensor


def loss(model: nn.Module, batch: Batch) -> Tensor:
    return (model(batch["of"].inputs) - batch["of"].target).square().sum(1) / batch["scale"]


def batches(scales: tuple[float, ...] = (2.0, 2.0, 2.0)) -> list[Batch]:
    made = torch.Generator().manual_seed(2)
    return [
        {"of": Pair(torch.randn(n, 4, generator=made), torch.randn(n, 1, generator=made)), "scale": torch.tensor(scale)}
        for n, scale in zip(SIZES, scales, strict=True)
    ]


def recorded(runs: Path, minibatches: list[Batch]) -> StudyRun:
    study = Study("pairs", lambda: nn.Linear(4, 1), loss, minibatches=minibatches)
    with gradviz.record(study, nn.Linear(4, 1), runs / "net") as run:
        run.epoch(train_loss=1.0)
    return RunStore(runs, LoadedStudy(study, "pairs", "digest", {"Pair": Pair})).study_run("net")


@pytest.fixture
def study_run(tmp_path: Path) -> StudyRun:
    return recorded(tmp_path, batches())


@pytest.fixture
def own_run(runs: Path) -> Run:
    return RunStore(runs).run("none")


def test_the_rows_of_a_study_are_counted_through_its_minibatches(study_run: StudyRun):
    assert study_run.num_rows() == sum(SIZES)
    assert [study_run.row_numbers(k) for k in range(3)] == [list(range(5)), [5, 6, 7], list(range(8, 15))]


def test_a_row_of_deliveries_has_its_number_among_the_run_s_rows(own_run: Run):
    assert own_run.num_rows() == own_run.rows().num_train == 64
    numbers = [row for k in range(own_run.num_minibatches(16)) for row in own_run.row_numbers(k, 16)]
    assert sorted(numbers) == own_run.rows().train_rows.tolist()


@pytest.mark.parametrize("minibatch", range(3))
def test_the_rows_of_a_minibatch_compose_it_again(study_run: StudyRun, own_run: Run, minibatch: int):
    assert same(study_run.rows_batch(study_run.row_numbers(minibatch)), study_run.minibatch(minibatch))
    ours, again = own_run.minibatch(minibatch, 16), own_run.rows_batch(own_run.row_numbers(minibatch, 16))
    for name in ("inputs_BI", "targets_B", "rows_B"):
        assert torch.equal(getattr(ours, name), getattr(again, name))


def test_any_rows_are_those_of_all_minibatches_in_the_order_asked_for(study_run: StudyRun):
    parts = [study_run.minibatch(k)["of"] for k in range(3)]
    together = {"of": Pair(*map(torch.cat, zip(*parts, strict=True))), "scale": torch.tensor(2.0)}
    chance = random.Random(0)
    for _ in range(20):
        rows = chance.sample(range(sum(SIZES)), chance.randint(1, sum(SIZES)))
        assert same(study_run.rows_batch(rows), selected(together, torch.tensor(rows)))


def test_any_training_rows_of_deliveries_are_had_in_the_order_asked_for(own_run: Run):
    rows = own_run.rows()
    chosen = [int(row) for row in rows.train_rows[[5, 60, 0, 31]]]
    composed = own_run.rows_batch(chosen)
    assert composed.rows_B.tolist() == chosen
    assert torch.equal(composed.inputs_BI, rows.inputs(torch.tensor(chosen)))
    assert torch.equal(composed.targets_B, rows.targets_R[chosen])


@pytest.mark.parametrize("rows", [[0, 15], [-1], [3, 10**8]])
def test_a_row_that_a_study_s_run_does_not_have_is_named_with_the_range(study_run: StudyRun, rows: list[int]):
    with pytest.raises(UserError) as refused:
        study_run.rows_batch(rows)
    assert str(refused.value) == f"`rows` of the run net must be in [0, 14], got {rows[-1]}."


@pytest.mark.parametrize(("row", "what"), [(64, "a test row"), (79, "a test row"), (80, "which"), (-1, "which")])
def test_what_is_no_training_row_is_named_with_the_range(own_run: Run, row: int, what: str):
    with pytest.raises(UserError, match=rf"^`rows` must be training rows of the run, in \[0, 63\], got {row}, {what}"):
        own_run.rows_batch([3, row])


def test_only_the_rows_that_are_asked_for_are_put_together(study_run: StudyRun, monkeypatch: pytest.MonkeyPatch):
    put_together = []

    def noting(batches: list[Batch], numbers: list[int]) -> Batch:
        put_together.append([num_rows(each) for each in batches])
        return joined(batches, numbers)

    monkeypatch.setattr("gradviz.experiment.study_run.joined", noting)
    assert len(study_run.rows_batch([9, 1, 14, 1])["of"].target) == 4
    assert put_together == [[1, 2]]


def test_rows_of_minibatches_that_differ_in_more_than_rows_are_not_mixed(tmp_path: Path):
    run = recorded(tmp_path, batches((2.0, 2.0, 3.0)))
    assert same(run.rows_batch([8, 9]), selected(run.minibatch(2), slice(2)))
    with pytest.raises(UserError, match=r"^The rows of minibatches 1 and 2 cannot be mixed: .*scale\.$"):
        run.rows_batch([9, 6])


def test_minibatches_of_a_run_that_does_not_have_them_have_no_numbers(study_run: StudyRun, own_run: Run):
    with pytest.raises(UserError, match=r"`minibatch` of the run net must be in \[0, 2\], got 3"):
        study_run.row_numbers(3)
    with pytest.raises(UserError, match="recorded with it"):
        study_run.row_numbers(0, 16)
    with pytest.raises(UserError, match=r"`minibatch` must be in \[0, 3\]"):
        own_run.row_numbers(4, 16)
