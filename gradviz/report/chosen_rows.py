"""Minibatches of chosen rows: their agreement beside that of random rows, for the biases and the whole model."""

from collections.abc import Iterator

from gradviz.evidence.controls import ChosenRows
from gradviz.report.document import Block, Table
from gradviz.report.findings import Findings
from gradviz.report.numbers import estimate, percent

_NOTE = (
    "The training rows sorted by a quantity, rows of equal value in random order, and cut into minibatches: R and the"
    " share of opposite pairs; R of as many minibatches of random rows, with the middle 95 % of the draws; and 1 − R"
    " over that of random rows, with the range of these draws. All are from one matrix of inner products of the rows'"
    " gradients, without regularizer, in eval mode."
)


def chosen_rows(findings: Findings) -> Iterator[Block]:
    """A table of all seeds; nothing where no such minibatches were measured."""
    rows = [_row(seed.evidence.seed, each) for seed in findings.seeds for each in seed.evidence.chosen]
    if rows:
        head = ("rows sorted by", "gradients of", "R", "opposite pairs", "R of random rows", "1 − R over random")
        yield Table(head, tuple(rows), _NOTE)


def _row(seed: int, each: ChosenRows) -> tuple[str, ...]:
    return (
        each.by,
        f"seed {seed}, epoch {each.epoch}, {each.scope}",
        estimate(each.resultant),
        percent(each.opposite.value),
        estimate(each.random_resultant),
        estimate(each.sensitivity),
    )
