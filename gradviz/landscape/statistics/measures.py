"""The literature's measures of how the minibatches' gradients differ, as a list: each with its name, paper and words.

A new measure is one entry of `OF_GRADIENTS`, a function of inner products.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradviz.landscape.statistics.bootstrap import Estimate, Resamples
from gradviz.landscape.statistics.coherence import COSINE_DISTANCE, agreement_pass_rate, m_coherence
from gradviz.landscape.statistics.confusion import gradient_confusion
from gradviz.landscape.statistics.noise_scales import NoiseScale, noise_scale, ratio_of_scales
from gradviz.landscape.statistics.noise_spectrum import NoiseSpectrum, noise_spectrum
from gradviz.landscape.statistics.sharpness import Sharpness

# Shape suffixes: K = minibatches.


@dataclass(frozen=True)
class Measure:
    """What is measured: `sentence` says what the number means, `unit` what it counts, `paper` where it comes from."""

    key: str
    name: str
    paper: str
    unit: str
    sentence: str


@dataclass(frozen=True)
class Measured(Measure):
    """With its number and 95 % interval over minibatches.

    `value` None: `reason` says why there is none. `low` None: an extreme, which has no interval. `high` alone None:
    these minibatches do not tell the number from infinity.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str | None


Found = Estimate | NoiseScale | float | str
"""A number, with or without interval; or why there is none."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Inner products of the minibatches' gradients by a part of the parameters; `norms_KK` by γ and β alone, None where
    the part has none. `num_rows` of each minibatch (the harmonic mean)."""

    dot_KK: np.ndarray
    norms_KK: np.ndarray | None
    num_rows: float
    generator: np.random.Generator

    @cached_property
    def resamples(self) -> Resamples:
        return Resamples.draw(len(self.dot_KK), self.generator)

    @cached_property
    def spectrum(self) -> NoiseSpectrum | None:
        return noise_spectrum(self.dot_KK, self.resamples)


_FEW = "Fewer than two minibatches have a gradient that is not zero."
_HIDDEN = "The noise of these minibatches hides the gradient that they share."
_NO_NOISE = "These minibatches have the same gradient, or are fewer than four."


def _coherence(of: Gradients) -> Found:
    return m_coherence(of.dot_KK, of.resamples) or _FEW


def _pass_rate(of: Gradients) -> Found:
    norms_K = np.sqrt(np.diag(of.dot_KK).clip(0))
    live = norms_K > 0
    count = int(live.sum())
    if count < 2:
        return _FEW
    cosine_KK = of.dot_KK[np.ix_(live, live)] / np.outer(norms_K[live], norms_K[live])
    resamples = of.resamples if count == len(live) else Resamples.draw(count, of.generator)
    return agreement_pass_rate(cosine_KK, resamples) or _FEW


def _confusion(of: Gradients) -> Found:
    found = gradient_confusion(of.dot_KK)
    return _FEW if found is None else found.smallest_cosine


def _scale(of: Gradients) -> Found:
    return noise_scale(of.dot_KK, of.num_rows, of.resamples) or _HIDDEN


def _scale_of_norms(of: Gradients) -> Found:
    if of.norms_KK is None:
        return "These parameters have no norm."
    return noise_scale(of.norms_KK, of.num_rows, of.resamples) or _HIDDEN


def _scale_ratio(of: Gradients) -> Found:
    if of.norms_KK is None:
        return "These parameters have no norm."
    return ratio_of_scales(of.norms_KK, of.dot_KK, of.resamples) or _HIDDEN


def _rank(of: Gradients) -> Found:
    if of.spectrum is None:
        return _NO_NOISE
    return of.spectrum.effective_rank or "The noise has more directions than these minibatches can tell."


def _top_share(of: Gradients) -> Found:
    return (of.spectrum and of.spectrum.top_share) or _NO_NOISE


OF_GRADIENTS: tuple[tuple[Measure, Callable[[Gradients], Found]], ...] = (
    (
        Measure(
            "m_coherence",
            "m-coherence",
            "Chatterjee & Zielinski 2020",
            "minibatches",
            "How many minibatches a step along the mean gradient serves: 1 if their gradients are orthogonal, all of "
            "them if they are equal.",
        ),
        _coherence,
    ),
    (
        Measure(
            "agreement_pass_rate",
            "pass rate of gradient agreement filtering",
            "Chaubard, Eddy & Kochenderfer 2024",
            "",
            f"The share of pairs of minibatches whose cosine distance is at most {COSINE_DISTANCE:g}, the default of "
            "the authors' program: the filter averages these, and throws the others away.",
        ),
        _pass_rate,
    ),
    (
        Measure(
            "smallest_cosine",
            "gradient confusion, as the smallest cosine",
            "Sankararaman et al. 2019",
            "",
            "Of all pairs of minibatches; an extreme, which falls as their number grows.",
        ),
        _confusion,
    ),
    (
        Measure(
            "noise_scale",
            "gradient noise scale",
            "McCandlish et al. 2018",
            "rows",
            "The size of a minibatch whose noise is as large as its signal.",
        ),
        _scale,
    ),
    (
        Measure(
            "norm_noise_scale",
            "gradient noise scale of the norms",
            "Gray et al. 2024",
            "rows",
            "The same of γ and β alone.",
        ),
        _scale_of_norms,
    ),
    (
        Measure(
            "norm_noise_ratio",
            "noise scale of the norms over the whole",
            "Gray et al. 2024",
            "",
            "How well γ and β stand for all parameters: 1 if their noise scale is the same.",
        ),
        _scale_ratio,
    ),
    (
        Measure(
            "effective_rank",
            "effective rank of the gradient noise",
            "Bartlett et al. 2020; estimator of Chen, Zhang & Zhong 2010",
            "directions",
            "(tr C)² / tr C² of the covariance C of the minibatches' gradients: in how many directions they differ.",
        ),
        _rank,
    ),
    (
        Measure(
            "top_share",
            "top eigenvector's share of the gradient noise",
            "after Jastrzębski et al. 2020",
            "",
            "Of the variance of a minibatch's gradient, the share along the top eigenvector of the others' covariance. "
            "Its interval is too short: it holds the value in 78 to 85 % of cases where a direction stands out.",
        ),
        _top_share,
    ),
)

BATCH_SHARPNESS = Measure(
    "batch_sharpness",
    "batch sharpness",
    "Andreyev & Beneventano 2024",
    "loss per parameter²",
    "How the loss of a minibatch bends along its own gradient, g·H g / |g|². Under SGD at a rate η it rises to about "
    "2/η, and stays there.",
)

FLAT_REASON = (
    "The loss of each minibatch is piecewise linear along its gradient: g·H g is zero almost everywhere, and all "
    "bending is in the kinks."
)


def measures_of(gradients: Gradients) -> list[Measured]:
    """All measures of the minibatches' gradients; costs milliseconds, and K⁴ operations for the spectrum."""
    return [measured(measure, find(gradients)) for measure, find in OF_GRADIENTS]


def measured_sharpness(found: Sharpness) -> Measured:
    """Batch sharpness, or why there is none."""
    reason = FLAT_REASON if found.is_flat else "The gradient of every minibatch is zero."
    return measured(BATCH_SHARPNESS, found.batch_sharpness or reason)


def measured(measure: Measure, found: Found) -> Measured:
    """The measure with what was found."""
    value = low = high = reason = None
    if isinstance(found, str):
        reason = found
    elif isinstance(found, Estimate | NoiseScale):
        value, low, high = found.value, found.low, found.high
    else:
        value = found
    return Measured(**vars(measure), value=value, low=low, high=high, reason=reason)
