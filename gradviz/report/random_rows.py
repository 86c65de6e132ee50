"""The null model by minibatch size: measured agreement, agreement of random rows, and their ratio."""

from collections.abc import Iterator

from gradviz.evidence.measurements import Null
from gradviz.report.document import Block, Table
from gradviz.report.findings import Findings
from gradviz.report.numbers import estimate, number

_NOTE = (
    "R of K minibatches without regularizer in eval mode: measured, with its 95 % interval; of minibatches of random"
    " rows, with the middle 95 % of the draws; and by the formula, from the mean and covariance of the rows' gradients"
    " with the finite-population correction. The last column is 1 − R measured over 1 − R of random rows: 1 if the"
    " minibatches differ as random rows do. The mean pairwise cosine c follows from R: R² = (1 + (K − 1) c) / K."
)


def random_rows(findings: Findings) -> Iterator[Block]:
    """A table of all seeds; nothing where no null model was measured."""
    rows = [_row(seed.evidence.seed, null) for seed in findings.seeds for null in seed.evidence.nulls]
    if rows:
        head = ("gradients of", "rows", "K", "R measured", "R of random rows", "R by formula", "measured over random")
        yield Table(head, tuple(rows), _NOTE)


def _row(seed: int, null: Null) -> tuple[str, ...]:
    return (
        f"seed {seed}, epoch {null.epoch}, {null.scope}",
        number(null.minibatch_size),
        number(null.num_minibatches),
        estimate(null.measured_resultant),
        estimate(null.random_resultant),
        number(null.formula_resultant),
        estimate(null.sensitivity),
    )
