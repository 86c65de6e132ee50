"""What a user may ask for."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gradviz.errors import UserError
from gradviz.experiment.optimizers import Adam
from gradviz.experiment.regularizers import DEFAULT_NAMES, Plain
from gradviz.experiment.studies.deliveries.config import TrainingConfig, describe_differences
from gradviz.experiment.studies.deliveries.presets import preset_config, run_configs


def test_quick_and_source_are_as_documented():
    quick, source = preset_config("quick", "none"), preset_config("source", "none")
    assert (quick.rows, quick.batch_size, quick.optimizer, quick.output_scale) == (6_000, 64, Adam(), 100.0)
    slower = Adam(learning_rate=1e-4)
    assert (source.rows, source.batch_size, source.optimizer, source.output_scale) == (10_000, 128, slower, 1.0)
    assert quick.hidden == source.hidden == (2000, 1000, 200)
    assert (quick.epochs, quick.regularizer, quick.name) == (30, Plain(), "none")


def test_one_configuration_per_variant_in_a_fixed_order():
    assert [config.name for config in run_configs()] == list(DEFAULT_NAMES)
    assert [config.name for config in run_configs(variants=["batchnorm", "none"])] == ["none", "batchnorm"]


def test_changes_replace_the_presets_values_and_none_keeps_them():
    config = run_configs("source", ["none"], epochs=5, rows=None, hidden=(10,))[0]
    assert (config.epochs, config.rows, config.hidden) == (5, 10_000, (10,))


def test_a_table_is_known_by_its_content_not_its_place(tmp_path: Path):
    for name, content in [("a.csv", "x"), ("b.csv", "x"), ("c.csv", "y")]:
        (tmp_path / name).write_text(content)
    a, b, c = (run_configs(variants=["none"], data=tmp_path / f"{name}.csv")[0] for name in "abc")
    assert a.differences(b) == []
    assert [key for key, _, _ in a.differences(c)] == ["data_digest"]


def test_more_epochs_are_the_same_run_but_another_seed_is_not():
    config = preset_config("quick", "none")
    assert config.differences(config.model_copy(update={"epochs": 50})) == []
    differences = config.differences(config.model_copy(update={"seed": 1, "hidden": (20, 10)}))
    assert (
        describe_differences(differences) == "seed: 1 there, 0 asked for; hidden: 20,10 there, 2000,1000,200 asked for"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": 0}, "`epochs`.* 1, got 0"),
        ({"epochs": 10_000}, "`epochs`.*9999, got 10000"),
        ({"epochs": 2.5}, "`epochs`.*2.5"),
        ({"rows": 9}, "`rows`.* 10, got 9"),
        ({"hidden": ()}, "`hidden` must name 1 to 16 layers"),
        ({"hidden": (5, 0)}, "`hidden.1`.* 1, got 0"),
        ({"hidden": (20_000, 20_000, 20_000, 20_000)}, "`hidden` must stay below a billion weights"),
        ({"hidden": "wide"}, "`hidden`.*'wide'"),
        ({"norm_placement": "inside"}, "`norm_placement` must be one of before, after, got 'inside'"),
        ({"seed": -1}, "`seed`.* 0, got -1"),
        ({"variants": ["dropout(1.0)"]}, "dropout.*`p`.*less than 1, got '1.0'"),
        ({"learning_rate": float("nan")}, "`learning_rate`.*finite"),
        ({"output_scale": 0.0}, "`output_scale`.*greater than or equal to 0.000000001"),
        ({"batch_size": 1}, "`batch_size`.* 2, got 1"),
        ({"depth": 3}, "`depth`.*not permitted"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_is_allowed(change, says):
    with pytest.raises(UserError, match=says) as refusal:
        run_configs(**change)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("variants", [["l2"], [], ["none", "none"], ["none", ""]])
def test_variants_are_some_of_the_three_each_once(variants):
    with pytest.raises(UserError, match="`variants` must name some of none,dropout,batchnorm, each once"):
        run_configs(variants=variants)


def test_an_unknown_preset_and_a_missing_table_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="`preset` must be one of quick, source, got 'slow'"):
        run_configs("slow")
    with pytest.raises(UserError, match="cannot be read: there is no such file"):
        run_configs(data=tmp_path / "none.csv")
    with pytest.raises(UserError, match="cannot be read: it is a directory, not a file"):
        run_configs(data=tmp_path)


def test_what_can_be_derived_is_named_and_needs_a_table(tmp_path: Path):
    (tmp_path / "table.csv").write_text("x")
    with pytest.raises(UserError, match="`derive`: Input should be 'linear_ests', got 'subtotal'"):
        run_configs(data=tmp_path / "table.csv", derive="subtotal")
    with pytest.raises(UserError, match="`derive` adds a column to your own table: name the table with `--data`"):
        run_configs(derive="linear_ests")


def test_what_is_derived_is_part_of_a_runs_identity_and_nothing_is_not():
    config = preset_config("quick", "none")
    assert "derive" not in config.identity()
    assert config.model_copy(update={"derive": "linear_ests"}).differences(config) == [("derive", "linear_ests", None)]


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError):
        preset_config("quick", "none").seed = 1  # pyright: ignore[reportAttributeAccessIssue]  # that is the point


def test_a_configuration_survives_json():
    config = preset_config("source", "dropout", seed=3, learning_rate=0.1 + 0.2)
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config
