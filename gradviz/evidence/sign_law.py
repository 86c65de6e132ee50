"""The sign law: how much the gradients of minibatches agree if nothing but the signs of the residuals counted.

Of a minibatch of B rows, each of which lies below its target with probability s, most lie on the commoner side with a
probability that a normal distribution gives: the sign of their sum has the mean

    m = 2 Φ(√B (2s - 1) / √(4 s (1 - s))) - 1

If each gradient points along one line, up or down by that sign, the mean cosine of two is m², and of K minibatches
R² = (1 + (K - 1) m²) / K. Nothing is fitted.
"""

# Shape suffixes: N = checkpoints, R = resamples.

import math
from collections.abc import Sequence

import numpy as np

from gradviz.evidence.agreeing import bootstrap, estimate_of
from gradviz.evidence.controls import SignLaw
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Agreement
from gradviz.evidence.values import BIASES, Scope
from gradviz.landscape.statistics import estimate
from gradviz.landscape.statistics.bootstrap import Statistic

SCOPES: tuple[Scope, ...] = (*BIASES, "model")
_LEAST = 3  # checkpoints to tell a fit


def law(balance: float, size: int, num: int) -> float:
    """R of `num` minibatches of `size` rows; `balance` is |2s - 1|."""
    rest = math.sqrt(max(0.0, 1 - balance**2))  # √(4 s (1 - s))
    m = math.erf(math.sqrt(size / 2) * balance / rest) if rest > 0 else 1.0
    return math.sqrt((1 + (num - 1) * m**2) / num)


def law_at(balance: float, agreement: Agreement) -> float:
    """That of the minibatches whose agreement was measured."""
    return law(balance, agreement.minibatch_size, agreement.num_minibatches - agreement.num_zero)


def sign_laws(evidence: Evidence) -> tuple[SignLaw, ...]:
    """How well the law fits the checkpoints of each run: for the biases of both layers, and all parameters."""
    found = []
    for record in evidence.runs:
        for scope in SCOPES:
            points = points_of(evidence, record.name, scope)
            fit = None
            if len(points) >= _LEAST:
                fit = estimate(fit_of(points), len(points), bootstrap())
            if points:
                found.append(
                    SignLaw(run=record.name, scope=scope, num_checkpoints=len(points), fit=estimate_of(fit))
                )  # fmt: skip
    return tuple(found)


def points_of(evidence: Evidence, run: str, scope: Scope) -> list[tuple[float, float, Agreement]]:
    """(|2s - 1|, R, agreement) of each checkpoint of a run that has an R."""
    found = []
    for each in evidence.of_run(run):
        agreement = each.agreement(scope) if scope != "model" else evidence.whole(run, each.epoch)
        if agreement is not None and agreement.resultant.value is not None:
            found.append((each.balance, agreement.resultant.value, agreement))
    return found


def fit_of(points: Sequence[tuple[float, float, Agreement]]) -> Statistic:
    """1 - Σ (R - law)² / Σ (R - mean R)² as a statistic of weights; nan where R does not vary.

    1: the law is exact; 0 or less: the mean of R would do as well.
    """
    measured_N = np.array([resultant for _, resultant, _ in points])
    errors_N = measured_N - np.array([law_at(balance, agreement) for balance, _, agreement in points])

    def statistic(weights_RN: np.ndarray) -> np.ndarray:
        mean_R = weights_RN @ measured_N / weights_RN.sum(1)
        variation_R = (weights_RN * (measured_N - mean_R[:, None]) ** 2).sum(1)
        left_R = weights_RN @ errors_N**2
        missing = np.full(len(left_R), np.nan)
        return 1 - np.divide(left_R, variation_R, out=missing, where=variation_R > 1e-12)

    return statistic
