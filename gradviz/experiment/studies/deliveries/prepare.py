"""Prepares the rows of a run: reads or makes the table, then chooses, encodes and splits the rows."""

from dataclasses import dataclass

import numpy as np
import torch

from gradviz.errors import UserError
from gradviz.experiment.outside import shown
from gradviz.experiment.randomness import generator
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.encoding import encode
from gradviz.experiment.studies.deliveries.fields import DELIVERERS
from gradviz.experiment.studies.deliveries.rows import Rows, split_rows
from gradviz.experiment.studies.deliveries.synthetic import synthetic_table
from gradviz.experiment.studies.deliveries.table import Table, read_table

FEWEST_ROWS = 20
"""Enough for a minibatch of 16 training rows, the page's smallest."""


@dataclass(frozen=True)
class PreparedRows:
    """The rows of a run, and facts about their origin for the user."""

    rows: Rows
    num_usable: int
    num_left_out: int
    recognised: str = ""

    def summary(self) -> str:
        """One line for the user: rows used, split, and left out."""
        used, train, test = self.rows.targets_R.numel(), self.rows.num_train, self.rows.test_rows.numel()
        left_out = f"; {self.num_left_out:,} without {DELIVERERS.column} left out" if self.num_left_out else ""
        return f"{used:,} of {self.num_usable:,} usable rows: {train:,} for training, {test:,} for testing{left_out}"


def prepare_rows(config: TrainingConfig) -> PreparedRows:
    """Chooses `config.rows` rows (all, if there are fewer): the first of a permutation of the usable rows by the seed.

    The first 80 % of those are the training rows. UserError if the table is unusable, or has fewer than
    twenty usable rows. All runs with the same seed and table get the same rows.
    """
    if config.rows < FEWEST_ROWS:
        raise UserError(
            f"`rows` must be at least {FEWEST_ROWS}, got {config.rows}: the smallest minibatch takes 16 training rows."
        )
    if config.data is None:
        read = Table(synthetic_table(config.rows, config.seed), 0, ())
    else:
        read = read_table(config.data, config.derive)
    table = read.rows
    if len(table) < FEWEST_ROWS:
        raise UserError(
            f"{shown(config.data or 'The table')} has {len(table)} usable rows: use at least {FEWEST_ROWS}, because "
            "the smallest minibatch takes 16 training rows."
        )
    order = torch.randperm(len(table), generator=generator(config.seed, "rows"))[: config.rows]
    chosen = table.iloc[order.numpy()]
    targets = 10.0 * chosen[DELIVERERS.column].to_numpy(dtype=np.float64)
    rows = split_rows(torch.from_numpy(encode(chosen)), torch.from_numpy(targets.astype(np.float32)))
    recognised = f"Table read: {'; '.join(read.recognised)}." if read.recognised else ""
    return PreparedRows(rows, len(table), read.num_left_out, recognised)
