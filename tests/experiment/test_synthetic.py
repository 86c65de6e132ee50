"""The made-up table has the shape of the real one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gradviz.experiment.studies.deliveries.encoding import encode
from gradviz.experiment.studies.deliveries.fields import FIELDS
from gradviz.experiment.studies.deliveries.synthetic import MISSING_SHARE, synthetic_table
from gradviz.experiment.studies.deliveries.table import read_table

D = "total_onshift_dashers"


@pytest.fixture(scope="module")
def table() -> Any:  # what a column holds is beyond the types of pandas
    return synthetic_table(20_000, seed=0)


def test_the_same_seed_gives_the_same_table_and_another_seed_another():
    pd.testing.assert_frame_equal(synthetic_table(300, 7), synthetic_table(300, 7))
    assert not synthetic_table(300, 7).equals(synthetic_table(300, 8))


def test_one_to_two_percent_are_missing_but_never_a_number_of_deliverers(table: Any):
    missing = table.isna().mean()
    assert missing[D] == 0.0
    others = missing.drop(D)
    # 20,000 draws of a share of 0.015 have a standard deviation of 0.0009.
    assert ((others - MISSING_SHARE).abs() < 0.004).all()


def test_stores_belong_to_one_market(table: Any):
    assert table.dropna().groupby("store_id").market_id.nunique().max() == 1
    assert set(table.market_id.dropna()) == {1, 2, 3, 4, 5, 6}


def test_evenings_are_crowded(table: Any):
    hours = table.created_at.dt.hour
    by_hour = table.groupby(hours)[D].mean()
    assert hours.value_counts(normalize=True)[[1, 2, 3]].sum() > 0.4
    assert by_hour[2] > 1.3 * by_hour[20] > 2.0 * by_hour[16]


def test_busy_deliverers_and_orders_follow_the_deliverers(table: Any):
    correlation = table.corr(numeric_only=True)
    assert correlation.loc[D, "total_busy_dashers"] > 0.9
    assert correlation.loc[D, "total_outstanding_orders"] > 0.8
    assert correlation.loc["linear_ests", "total_outstanding_orders"] > 0.3


def test_costs_and_counts_have_long_tails(table: Any):
    for column in ("subtotal", D, "total_outstanding_orders"):
        assert table[column].skew() > 0.8
        assert table[column].mean() > 1.1 * table[column].median()


def test_every_value_fits_its_field(table: Any):
    for field in FIELDS:
        if not field.is_date:
            values = table[field.column].dropna()
            assert values.min() >= 0
            assert values.max() < 10**field.width
            assert (values == np.rint(values)).all()
    assert encode(table).shape == (20_000, 45)


def test_it_resembles_the_real_table(table: Any, real_table):
    real = read_table(real_table).rows
    for column in (D, "total_busy_dashers", "total_outstanding_orders", "subtotal", "linear_ests"):
        assert 0.7 < table[column].mean() / real[column].mean() < 1.3, column
        assert 0.5 < table[column].std() / real[column].std() < 1.5, column
