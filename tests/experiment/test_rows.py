"""Which rows a run has, and how they are cut into minibatches."""

from pathlib import Path

import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.studies.deliveries.encoding import decode
from gradviz.experiment.studies.deliveries.prepare import prepare_rows
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.rows import read_rows, write_rows
from gradviz.experiment.studies.deliveries.synthetic import synthetic_table


@pytest.fixture(scope="module")
def rows(tiny):
    return prepare_rows(tiny(rows=400)).rows


def test_four_fifths_are_for_training_and_no_row_is_in_both(rows):
    assert (rows.num_train, rows.test_rows.numel()) == (320, 80)
    assert torch.equal(torch.cat([rows.train_rows, rows.test_rows]).sort().values, torch.arange(400))


def test_targets_are_ten_times_the_deliverers_as_encoded(rows):
    deliverers = [float(text[25:29].strip("_")) for text in decode(rows.codes_RC.numpy())]
    assert torch.equal(rows.targets_R, 10.0 * torch.tensor(deliverers))


def test_the_variants_of_one_seed_get_the_same_rows_and_another_seed_gets_others(tiny):
    first, *others = (prepare_rows(tiny(variant)).rows for variant in DEFAULT_NAMES)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first.tensors().values(), other.tensors().values(), strict=True))
    assert not torch.equal(prepare_rows(tiny(seed=1)).rows.codes_RC, first.codes_RC)


def test_minibatches_are_training_rows_none_of_them_twice(rows):
    minibatches = [rows.minibatch(index, 64, seed=0) for index in range(rows.num_minibatches(64))]
    together = torch.cat([minibatch.rows_B for minibatch in minibatches])
    assert len(minibatches) == 5
    assert torch.equal(together.sort().values, rows.train_rows.sort().values)
    assert not torch.equal(together, rows.train_rows)


def test_a_minibatch_holds_the_inputs_and_targets_of_its_rows(rows):
    minibatch = rows.minibatch(2, 16, seed=0)
    assert torch.equal(minibatch.inputs_BI, rows.inputs(minibatch.rows_B))
    assert torch.equal(minibatch.targets_B, rows.targets_R[minibatch.rows_B])
    assert (minibatch.inputs_BI.dtype, minibatch.inputs_BI.shape) == (torch.float32, (16, 675))


def test_small_minibatches_are_consecutive_parts_of_large_ones(rows):
    large = rows.minibatch(0, 64, seed=0).rows_B
    small = torch.cat([rows.minibatch(index, 16, seed=0).rows_B for index in range(4)])
    assert torch.equal(large, small)


def test_no_more_than_fifty_minibatches_are_shown(rows):
    assert rows.num_minibatches(1) == 50
    assert rows.num_minibatches(320) == 1
    assert rows.num_minibatches(321) == 0


@pytest.mark.parametrize(
    ("index", "size", "says"),
    [
        (5, 64, r"`minibatch` must be in \[0, 4\] for minibatches of 64, got 5"),
        (-1, 64, r"`minibatch` must be in \[0, 4\].*got -1"),
        (0, 0, r"`minibatch_size` must be in \[1, 320\], got 0"),
        (0, 321, r"`minibatch_size` must be in \[1, 320\], got 321.*320 training rows"),
    ],
)
def test_a_minibatch_out_of_range_is_refused_with_the_range(rows, index, size, says):
    with pytest.raises(UserError, match=says):
        rows.minibatch(index, size, seed=0)


def test_a_minibatch_is_never_larger_than_1024(tiny):
    rows = prepare_rows(tiny(rows=2000)).rows
    assert rows.minibatch(0, 1024, seed=0).rows_B.numel() == 1024
    with pytest.raises(UserError, match=r"\[1, 1024\], got 1025"):
        rows.minibatch(0, 1025, seed=0)


def test_rows_survive_being_written_and_read(rows, tmp_path: Path):
    write_rows(tmp_path / "rows", rows)
    read = read_rows(tmp_path / "rows", 400, 320)
    assert all(torch.equal(a, b) for a, b in zip(read.tensors().values(), rows.tensors().values(), strict=True))


@pytest.mark.parametrize(
    ("name", "value"), [("codes_RC", 15), ("targets_R", float("nan")), ("train_rows", 399), ("test_rows", -1)]
)
def test_rows_that_no_table_gives_are_refused(rows, tmp_path: Path, name: str, value: float):
    tensors = {key: getattr(rows, key).clone() for key in ("codes_RC", "targets_R", "train_rows", "test_rows")}
    tensors[name].view(-1)[0] = value
    write_rows(tmp_path / "rows", type(rows)(**tensors))
    with pytest.raises(UnusableFile, match=r"no table gives|does not match its rows"):
        read_rows(tmp_path / "rows", 400, 320)


def test_rows_of_a_table_are_chosen_from_all_of_it(real_table: Path):
    config = run_configs(variants=["none"], data=real_table, rows=200)[0]
    prepared = prepare_rows(config)
    assert prepared.summary() == (
        "200 of 10,974 usable rows: 160 for training, 40 for testing; 1,026 without total_onshift_dashers left out"
    )
    days = {text[5:11] for text in decode(prepared.rows.codes_RC.numpy())}
    assert len(days) >= 7


def test_a_table_with_fewer_rows_than_asked_for_gives_all_it_has(real_table: Path):
    config = run_configs(variants=["none"], data=real_table, rows=1_000_000)[0]
    assert prepare_rows(config).rows.targets_R.numel() == 10_974


def test_a_table_with_too_few_rows_is_refused(tmp_path: Path, real_table: Path):
    path = tmp_path / "short.csv"
    path.write_text("".join(real_table.read_text().splitlines(keepends=True)[:8]))
    with pytest.raises(UserError, match=r"short.csv has 7 usable rows: .* at least 20"):
        prepare_rows(run_configs(variants=["none"], data=path)[0])


def test_the_smallest_table_has_a_minibatch_to_look_at(tmp_path: Path):
    table = synthetic_table(20, seed=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    rows = prepare_rows(run_configs(variants=["none"], data=tmp_path / "table.csv")[0]).rows
    assert rows.num_minibatches(16) == 1
    table[:19].to_csv(tmp_path / "smaller.csv", index=False)
    with pytest.raises(UserError, match="has 19 usable rows: use at least 20"):
        prepare_rows(run_configs(variants=["none"], data=tmp_path / "smaller.csv")[0])


def test_fewer_rows_than_a_minibatch_takes_are_refused(tiny):
    with pytest.raises(UserError, match="`rows` must be at least 20, got 19"):
        prepare_rows(tiny(rows=19))
