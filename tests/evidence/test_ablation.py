"""A network that reads d is told from one that gets its accuracy from the busy deliverers."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gradviz.evidence.ablation import ablation_of, place_of
from gradviz.evidence.measurements import Ablation
from gradviz.evidence.rules import READS
from gradviz.experiment.regularizers import Plain
from gradviz.experiment.studies.deliveries.fields import (
    CHARACTERS,
    DELIVERERS,
    FIELDS,
    NUM_CHARACTERS,
    NUM_INPUTS,
    Field,
)
from gradviz.landscape import Network
from gradviz.landscape.network import Layer

BUSY = next(field for field in FIELDS if field.name == "Busy Deliverers")
NUM_ROWS = 300


@dataclass(frozen=True)
class Rows:
    """Test rows whose d and busy deliverers have two digits and are nearly the same number."""

    codes: Tensor
    targets: Tensor

    def test_codes(self) -> Tensor:
        return self.codes

    def test_targets(self) -> Tensor:
        return self.targets


@pytest.fixture(scope="module")
def rows() -> Rows:
    generator = torch.Generator().manual_seed(0)
    d = torch.randint(15, 95, (NUM_ROWS,), generator=generator)
    busy = d - torch.randint(0, 11, (NUM_ROWS,), generator=generator)
    codes = torch.zeros((NUM_ROWS, NUM_CHARACTERS), dtype=torch.uint8)
    for field, numbers in ((DELIVERERS, d), (BUSY, busy)):
        start = place_of(field).start
        codes[:, start], codes[:, start + 1] = numbers // 10, numbers % 10
    return Rows(codes, 10.0 * d)


def reader(field: Field, offset: float) -> Network:
    """y = 10 × the number in one field + offset, read digit by digit; one ReLU unit passes it on."""
    weight = torch.zeros((1, NUM_INPUTS))
    start = place_of(field).start * len(CHARACTERS)
    for digit in range(10):
        weight[0, start + digit], weight[0, start + len(CHARACTERS) + digit] = 100.0 * digit, 10.0 * digit
    hidden = Layer(weight, torch.tensor([offset]), None, relu=True)
    return Network((hidden, Layer(torch.ones((1, 1)), torch.zeros(1), None, relu=False)), 1.0, Plain())


def measured(rows: Rows, network: Network) -> Ablation:
    return ablation_of(rows, network, 3)  # pyright: ignore[reportArgumentType]


def test_a_network_that_reads_busy_deliverers_alone_is_accurate_by_r2_and_does_not_read_d(rows: Rows):
    found = measured(rows, reader(BUSY, 50.0))
    assert found.r2 is not None
    assert found.r2 > 0.95
    assert found.permuted_loss == found.blank_loss == found.loss
    assert found.permuted_loss < READS * found.loss


def test_a_network_that_reads_d_errs_more_without_it(rows: Rows):
    found = measured(rows, reader(DELIVERERS, 5.0))
    assert found.loss == pytest.approx(5.0)
    assert found.permuted_loss > 20 * found.loss
    assert found.blank_loss > 20 * found.loss
    assert found.permuted_r2 is not None
    assert found.permuted_r2 < 0
    assert found.num_rows == NUM_ROWS


def test_the_numbers_are_those_of_a_plain_loop(rows: Rows):
    order = torch.randperm(NUM_ROWS, generator=torch.Generator().manual_seed(0)).tolist()
    targets = rows.targets.tolist()
    losses = sum(abs(targets[other] + 5.0 - own) for own, other in zip(targets, order, strict=True)) / NUM_ROWS
    assert order != list(range(NUM_ROWS))
    found = measured(rows, reader(DELIVERERS, 5.0))
    # The other row's d is read: its target, which is 10 d, and the offset.
    losses = sum(abs(targets[order[k]] + 5.0 - targets[k]) for k in range(NUM_ROWS)) / NUM_ROWS
    assert found.permuted_loss == pytest.approx(losses, rel=1e-6)


def test_targets_that_do_not_differ_have_no_r2(rows: Rows):
    same = Rows(rows.codes, torch.full_like(rows.targets, 300.0))
    assert measured(same, reader(DELIVERERS, 0.0)).r2 is None
