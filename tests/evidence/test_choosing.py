"""Rows by d, store, hour and day: read from a row's characters, and measured beside random rows."""

import numpy as np
import pytest

from gradviz.evidence.choosing import COMPOSITIONS, chosen_rows_of, values_of
from gradviz.evidence.readings import CHOSEN
from gradviz.evidence.studied import Studied
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.encoding import text_codes
from gradviz.experiment.studies.deliveries.fields import NUM_CHARACTERS
from gradviz.landscape import network_of
from gradviz.landscape.statistics import minibatch_agreement, sorted_minibatches
from tests.evidence.made import chosen, evidence

ROW = "21__" + "3" + "150218 15:46:59" + "2500_" + "17__" + "9___" + "31__" + "800_" + "1.5_"
BLANK = "_" * NUM_CHARACTERS
CUT = "-___" + ROW[4:]


@pytest.mark.parametrize(("words", "value"), [("d", 17.0), ("store", 21.0), ("hour", 15.0), ("day", 150218.0)])
def test_quantities_are_read_from_the_characters_of_a_row(words: str, value: float):
    composition = next(each for each in COMPOSITIONS if each.words == words)
    found = values_of(composition, text_codes([ROW, BLANK, CUT], NUM_CHARACTERS))
    np.testing.assert_array_equal(found, [value, np.nan, np.nan if words == "store" else value])


def test_d_is_a_tenth_of_the_target(tiny_store: RunStore):
    rows = tiny_store.run("none").rows()
    found = values_of(COMPOSITIONS[0], rows.codes_RC.numpy())
    np.testing.assert_array_equal(10 * found, rows.targets_R.numpy())


def test_agreement_is_that_of_the_sorted_rows(tiny_store: RunStore):
    run = tiny_store.run("none")
    network = network_of(run.model(2))
    found = chosen_rows_of(run, network, 2, 16)
    assert [(each.by, each.scope) for each in found] == [
        (by, scope) for scope in ("biases 1", "biases 2", "model") for by in ("d", "store", "hour", "day")
    ]
    assert {each.num_minibatches for each in found} == {240 // 16}
    rows = run.rows()
    codes = rows.codes_RC[rows.train_rows].numpy()
    own = next(each for each in found if (each.by, each.scope) == ("hour", "model"))
    at = sorted_minibatches(values_of(COMPOSITIONS[2], codes), 16, np.random.default_rng(0))
    inputs, targets = run.training_inputs(), run.training_targets()
    slow = minibatch_agreement(network, inputs[at], targets[at], generator=np.random.default_rng(0), parts=["model"])
    wanted = slow.parts["model"].resultant
    assert wanted is not None
    assert own.resultant.value == pytest.approx(wanted.value, abs=1e-4)  # float32


def test_the_epoch_that_decides_is_that_of_the_least_balanced_signs():
    drawn = chosen("d", 0.5, 9.0).model_copy(update={"epoch": 3})
    read = CHOSEN.of(evidence(chosen=(chosen("d", 0.9, 3.0), drawn)))
    assert read is not None
    assert [each.epoch for each in read.least_balanced] == [2]
    assert [each.epoch for each in read.drawn] == [3]


def test_the_least_balanced_epoch_is_one_of_mid_training(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    assert Studied.of(tiny_store).least_balanced() is None
    monkeypatch.setattr("gradviz.evidence.rules.MID_LOSS", 1.0)
    assert Studied.of(tiny_store).least_balanced() == 1
