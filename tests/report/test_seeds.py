"""Where the runs of each seed are, and what is trained."""

import json
import shutil
from pathlib import Path

import pytest

from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.report.seeds import begun_configs, parse_seeds, place_seeds

CONFIGS = run_configs(epochs=2, rows=300, hidden=(20, 10, 5))


def test_seeds_are_whole_numbers_each_once():
    assert parse_seeds("0, 2,1") == (0, 2, 1)
    for text in ("", "0,0", "1.5", "-1", "0,", "a"):
        with pytest.raises(UserError, match="--seeds"):
            parse_seeds(text)


def test_in_an_empty_directory_the_first_seed_is_at_home(tmp_path: Path):
    places = place_seeds(tmp_path, CONFIGS, (4, 5))
    assert [place.root for place in places] == [tmp_path, tmp_path / "seed-5"]
    assert [{config.seed for config in place.configs} for place in places] == [{4}, {5}]
    assert not any(place.complete for place in places)


def test_the_runs_that_are_there_stay_where_they_are(tiny_runs: Path):
    places = place_seeds(tiny_runs, CONFIGS, (1, 0))
    assert [place.root for place in places] == [tiny_runs / "seed-1", tiny_runs]
    assert [place.complete for place in places] == [False, True]


def test_more_epochs_are_not_complete(tiny_runs: Path):
    longer = [config.model_copy(update={"epochs": 3}) for config in CONFIGS]
    assert not place_seeds(tiny_runs, longer, (0,))[0].complete


def test_runs_keep_their_own_configuration(tiny_runs: Path):
    assert begun_configs(tiny_runs) == CONFIGS


def test_runs_of_other_names_and_seeds_do_not_disturb(own_runs: Path):
    shutil.copytree(own_runs / "none", own_runs / "seven")
    record = json.loads((own_runs / "seven" / "run.json").read_text())
    (own_runs / "seven" / "run.json").write_text(json.dumps(record | {"name": "seven", "seed": 7}))
    assert RunStore(own_runs).names() == ["none", "seven", "dropout", "batchnorm"]
    assert begun_configs(own_runs) == CONFIGS
    assert place_seeds(own_runs, CONFIGS, (0,))[0].complete


def test_a_network_without_the_layers_of_the_source_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="`hidden`"):
        place_seeds(tmp_path, run_configs(hidden=(20, 10)), (0,))
