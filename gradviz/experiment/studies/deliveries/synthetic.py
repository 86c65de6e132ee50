"""A synthetic table of food deliveries: deterministic by seed, shaped like the real one.

It keeps these properties of the real table: six markets of different sizes, stores that belong to a market,
one week of orders with a high evening peak and a low midday one (in server time, some hours after local
time), numbers of deliverers that follow market and hour, busy deliverers and open orders that follow the deliverers,
costs with a long tail, a linear estimate that grows with load and distance, and some empty cells, though never in the
number of deliverers.
"""

# Shape suffixes: R = rows, S = stores, M = markets.

import numpy as np
import pandas as pd

from gradviz.experiment.randomness import derived_seed
from gradviz.experiment.studies.deliveries.fields import DELIVERERS, FIELDS

NUM_STORES = 6987  # store numbers of the real table end at 6986
MISSING_SHARE = 0.015
FIRST_DAY = np.datetime64("2015-02-18", "s")

_MARKET_SHARES_M = np.array([0.18, 0.29, 0.11, 0.24, 0.10, 0.08])
_MARKET_DELIVERERS_M = np.array([36.0, 88.0, 27.0, 76.0, 32.0, 40.0])  # at the evening peak
_OPENING_HOURS = np.array([0, 1, 2, 3, 4, 5, 6, 15, 16, 17, 18, 19, 20, 21, 22, 23])
_HOUR_SHARES = np.array([72, 149, 183, 127, 78, 31, 7, 2, 9, 17, 27, 71, 84, 57, 42, 44]) / 1000.0


def synthetic_table(num_rows: int, seed: int) -> pd.DataFrame:
    """`num_rows` orders with the columns of `FIELDS`; the same rows for the same arguments."""
    random = np.random.default_rng(derived_seed(seed, "table"))
    market_of_store_S = random.choice(6, size=NUM_STORES, p=_MARKET_SHARES_M)
    popularity_S = random.pareto(1.6, size=NUM_STORES) + 0.2

    store_R = random.choice(NUM_STORES, size=num_rows, p=popularity_S / popularity_S.sum())
    market_R = market_of_store_S[store_R]
    hour_R = random.choice(_OPENING_HOURS, size=num_rows, p=_HOUR_SHARES / _HOUR_SHARES.sum())
    second_R = random.integers(0, 7 * 24, num_rows) // 24 * 86_400 + hour_R * 3600 + random.integers(0, 3600, num_rows)

    crowd_R = _crowd(hour_R + (second_R % 3600) / 3600.0)
    deliverers_R = _counts(_MARKET_DELIVERERS_M[market_R] * crowd_R * random.lognormal(0.0, 0.45, num_rows), 171)
    busy_R = _counts(deliverers_R * random.beta(9.0, 1.3, num_rows) + random.normal(0.0, 0.8, num_rows), 170)
    load_R = random.lognormal(0.1, 0.3, num_rows)
    outstanding_R = _counts(busy_R * 1.25 * load_R + random.normal(0.0, 1.0, num_rows), 285)
    transit_R = _counts(random.gamma(6.2, 89.0, num_rows) + 1.0, 1500)
    estimate_R = _counts(1900.0 + 350.0 * load_R + 2.2 * outstanding_R + 0.75 * transit_R, 6000)
    cost_R = _counts(np.exp(random.normal(7.72, 0.63, num_rows)), 50_000)

    table = pd.DataFrame(
        {
            "store_id": store_R.astype(np.float64),
            "market_id": market_R + 1.0,
            "created_at": FIRST_DAY + second_R.astype("timedelta64[s]"),
            "subtotal": cost_R,
            "total_onshift_dashers": deliverers_R,
            "total_busy_dashers": busy_R,
            "total_outstanding_orders": outstanding_R,
            "estimated_store_to_consumer_driving_duration": transit_R,
            "linear_ests": estimate_R,
        }
    )
    for field in FIELDS:
        if field is not DELIVERERS:
            table.loc[random.random(num_rows) < MISSING_SHARE, field.column] = pd.NaT if field.is_date else np.nan
    return table


def _crowd(hour_R: np.ndarray) -> np.ndarray:
    """Deliverers at work as a share of the evening peak (2:30, server time); a lower peak at 20:00, around midday."""
    evening = np.exp(-0.5 * ((hour_R + 12.0) % 24.0 - 14.5) ** 2 / 1.9**2)
    midday = 0.5 * np.exp(-0.5 * (hour_R - 20.2) ** 2 / 1.7**2)
    return 0.06 + 0.94 * evening + midday


def _counts(values_R: np.ndarray, limit: int) -> np.ndarray:
    """Whole numbers from 0 to below `limit`."""
    return np.clip(np.rint(values_R), 0, limit - 1)
