"""Agreement of the minibatches at a checkpoint and in a picture, by the statistics of the landscape room."""

# Shape suffixes: K = minibatches.

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from gradviz.evidence import rules
from gradviz.evidence.measurements import Agreement, ScopedAgreement
from gradviz.evidence.values import BIASES, Estimate, Scope
from gradviz.landscape import Network
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.statistics import Agreement as Statistics
from gradviz.landscape.statistics import (
    CheckpointAgreement,
    minibatch_agreement,
    pair_name,
)
from gradviz.landscape.statistics import Estimate as Interval

_BOOTSTRAP_SEED = 0
_FEW: tuple[Scope, ...] = ("pair 1", "pair 2", "biases 1", "biases 2")


def bootstrap() -> np.random.Generator:
    """Draws the same resamples for every part: a number does not depend on what else is measured."""
    return np.random.default_rng(_BOOTSTRAP_SEED)


def pair_agreements(
    network: Network,
    inputs_KBI: torch.Tensor,
    targets_KB: torch.Tensor,
    pairs: Sequence[tuple[str, str]],
    mode: Mode,
    masks: Masks,
) -> list[Agreement]:
    """How much the arrows at the centre of each pair's pictures agree, one arrow for each minibatch."""
    found = minibatch_agreement(
        network, inputs_KBI, targets_KB, generator=bootstrap(), mode=mode, masks=masks, parts=(), pairs=pairs
    )
    share = found.share_below.value
    return [kept_agreement(found.parts[pair_name(pair)], targets_KB.shape[1], share) for pair in pairs]


def kept_agreement(found: Statistics, minibatch_size: int, share_below: float | None) -> Agreement:
    """The statistics in the form in which the evidence keeps them."""
    return Agreement(
        num_parameters=found.num_parameters,
        num_minibatches=found.num_minibatches,
        minibatch_size=minibatch_size,
        num_zero=found.num_zero,
        share_below=share_below,
        resultant=estimate_of(found.resultant),
        cosine=estimate_of(found.cosine),
        opposite=estimate_of(found.opposite),
        beyond_150=estimate_of(found.beyond_150),
        norm_variation=estimate_of(found.norm_variation),
        sign_agreement=estimate_of(found.sign_agreement),
    )


def estimate_of(interval: Interval | None) -> Estimate:
    """An interval in the form in which the evidence keeps it; an end that is not finite is None."""
    if interval is None:
        return Estimate(value=None)
    low, high = (end if math.isfinite(end) else None for end in (interval.low, interval.high))
    return Estimate(value=interval.value, low=low, high=high)


def checkpoint_agreements(
    network: Network,
    inputs_KBI: torch.Tensor,
    targets_KB: torch.Tensor,
    *,
    mode: Mode,
    masks: Masks = "fresh",
    whole: bool = False,
) -> tuple[ScopedAgreement, ...]:
    """Agreement in the first two and in all biases of the source's layers; with `whole`, in all parameters too."""
    tensors, pairs = bias_tensors(network, mode), bias_pairs(network, mode)
    parts: dict[Scope, str] = dict(zip(BIASES, tensors, strict=True))
    if whole:
        layers = dict(zip(("layer 1", "layer 2"), (f"hidden.{layer}" for layer in rules.LAYERS), strict=True))
        parts = {**parts, **layers, "model": "model"}
    found = minibatch_agreement(
        network,
        inputs_KBI,
        targets_KB,
        generator=bootstrap(),
        mode=mode,
        masks=masks,
        parts=list(parts.values()),
        pairs=pairs,
    )
    names: dict[Scope, str] = {**dict(zip(("pair 1", "pair 2"), map(pair_name, pairs), strict=True)), **parts}
    return _scoped(found, names, targets_KB.shape[1])


def whole_agreement(network: Network, inputs_KBI: torch.Tensor, targets_KB: torch.Tensor, *, mode: Mode) -> Agreement:
    """Agreement in all parameters at once."""
    found = minibatch_agreement(network, inputs_KBI, targets_KB, generator=bootstrap(), mode=mode, parts=["model"])
    return kept_agreement(found.parts["model"], targets_KB.shape[1], found.share_below.value)


def bias_tensors(network: Network, mode: Mode) -> list[str]:
    """The biases of the source's layers, or β where batch statistics cancel the biases."""
    names = []
    for layer in rules.LAYERS:
        norm = network.layers[layer].norm
        cancelled = mode == "train" and norm is not None and not norm.after
        names.append(f"hidden.{layer}.norm.bias" if cancelled else f"hidden.{layer}.linear.bias")
    return names


def bias_pairs(network: Network, mode: Mode) -> list[tuple[str, str]]:
    """The first two biases, or β, of each of these layers."""
    return [(f"{tensor}[0]", f"{tensor}[1]") for tensor in bias_tensors(network, mode)]


def _scoped(found: CheckpointAgreement, names: Mapping[Scope, str], size: int) -> tuple[ScopedAgreement, ...]:
    share = found.share_below.value
    return tuple(
        ScopedAgreement(scope=scope, agreement=kept_agreement(found.parts[name], size, share))
        for scope, name in names.items()
    )
