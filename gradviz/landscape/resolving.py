"""Decides whether components are zero: computes those that the cheap bound flags in both precisions, and compares.

With e = |g32 - g64|, the observed error of float32, a component is zero if |g64| ≤ 1e-3 e, if both are exactly
0, or if the terms of the rows cancel to within rounding in float64 too. It is unresolved in float32 if |g64| ≤ 8 e;
then float64's number is drawn. Otherwise float32 resolves it. e is the median over a point and its neighbours, so that
neither an error that is 0 by luck nor a neighbour on a kink decides. Without flagged components nothing is computed
twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.evaluate import Evaluation, average, evaluate
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.network import Layer, Network
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.tiling import Part
from gradviz.landscape.zero import cancelled, fixes_mean, is_cancelled_by_norm, reasons, round_off_on_grid

# Shape suffixes: Y/X = grid rows/columns, P/Q = rows/columns of the recomputed part.

ZERO_SHARE, RESOLVED = 1e-3, 8.0


Passes = Sequence[Callable[[], CleanPass]]
"""Makes the forward passes at the checkpoint, one for each set of masks."""


@dataclass(frozen=True)
class Resolved:
    """One component, (Y, X): its gradient, why it is zero (`ZeroReason.NONE` if it is not), and whether float32
    does not resolve it, so that the number is float64's."""

    gradient: np.ndarray
    reason: np.ndarray
    unresolved: np.ndarray


def resolve(
    passes: Passes,
    whole: Evaluation,
    targets_B: Tensor,
    spec: LandscapeSpec,
    gradients: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Resolved, Resolved]:
    """Both components of `whole`, the mean over `passes`.

    `gradients` are u and v of another computation of the same field, to judge instead of its own.
    """
    clean = passes[0]()
    if gradients is not None:
        u, v = (torch.from_numpy(np.asarray(array)).to(whole.loss) for array in gradients)
        whole = replace(whole, x=replace(whole.x, gradient=u), y=replace(whole.y, gradient=v))
    proven = [_proven(clean, spec, k, whole) for k in (0, 1)]
    known = bool(torch.stack(proven).all())
    limits = [(0.0, 0.0) if known else round_off_on_grid(each(), spec) for each in passes]
    suspects = []
    for k, own in enumerate(whole.components):
        suspect = own.gradient.abs() <= max(each[k] for each in limits)
        suspect &= own.reach > 0
        if own.gradient.dtype != torch.float64:  # in float64 a sum that cancels so far is zero
            suspect |= cancelled(own)
        suspects.append(_array(suspect & ~proven[k]))
    part = _around(suspects[0] | suspects[1])
    twin = None if part is None else _twin(passes, targets_B, spec, part)
    x, y = (_component(clean, spec, k, whole, proven[k], suspects[k], part, twin) for k in (0, 1))
    return x, y


def _component(
    clean: CleanPass,
    spec: LandscapeSpec,
    k: int,
    whole: Evaluation,
    proven_YX: Tensor,
    suspect_YX: np.ndarray,
    part: Part | None,
    twin: Evaluation | None,
) -> Resolved:
    own = whole.components[k]
    gradient_YX, zero_YX = _array(own.gradient).copy(), _array((own.reach == 0) | proven_YX)
    if own.gradient.dtype == torch.float64:
        zero_YX = zero_YX | _array(cancelled(own))
    unresolved_YX = np.zeros_like(suspect_YX)
    within_YX = np.zeros_like(zero_YX)
    if part is not None and twin is not None and suspect_YX.any():
        error_YX, exact_YX = _compared(own.gradient, twin.components[k].gradient, part)
        lost_YX, reach_YX = _compared(own.reach, twin.components[k].reach, part)
        is_zero = (abs(exact_YX) <= ZERO_SHARE * error_YX) | ((exact_YX == 0) & (gradient_YX == 0))
        if own.gradient.dtype == torch.float32:
            is_zero[np.ix_(part.rows, part.columns)] |= _array(cancelled(twin.components[k]))
        zero_YX = zero_YX | (suspect_YX & is_zero)
        unresolved_YX = suspect_YX & ~is_zero & (abs(exact_YX) <= RESOLVED * error_YX)
        within_YX = suspect_YX & (reach_YX <= ZERO_SHARE * lost_YX)
        gradient_YX[unresolved_YX] = exact_YX[unresolved_YX]
    if is_cancelled_by_norm(clean, spec.refs[k], spec.refs[1 - k]):
        told = np.full_like(zero_YX, ZeroReason.BATCH_STATISTICS, np.uint8)
    else:
        within = torch.from_numpy(within_YX).to(own.reach.device)
        told = _array(reasons(clean, spec.refs[k], own, whole.shared, within))
    return Resolved(gradient_YX, np.where(zero_YX, told, ZeroReason.NONE).astype(np.uint8), unresolved_YX)


def _proven(clean: CleanPass, spec: LandscapeSpec, k: int, whole: Evaluation) -> Tensor:
    """(Y, X): where the structure of the network makes the component zero."""
    ref = spec.refs[k]
    if is_cancelled_by_norm(clean, ref, spec.refs[1 - k]):
        return torch.ones_like(whole.shared)
    return whole.shared if fixes_mean(clean, ref) else torch.zeros_like(whole.shared)


def _compared(own: Tensor, twin: Tensor, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """(Y, X) float64: the error of float32, and float64's number; nan if not computed."""
    single_YX = _array(own).astype(np.float64)
    double_YX = np.full_like(single_YX, np.nan)
    double_YX[np.ix_(part.rows, part.columns)] = _array(twin)
    exact_YX = single_YX if own.dtype == torch.float64 else double_YX
    apart_YX = abs(single_YX - double_YX)
    return _median_around(np.where(apart_YX > 0, apart_YX, np.nan)), exact_YX


def _median_around(values_YX: np.ndarray) -> np.ndarray:
    """The median of each point and its eight neighbours, without nans; 0 if all are nan."""
    rows, columns = values_YX.shape
    padded = np.pad(values_YX, 1, constant_values=np.nan)
    around = np.stack([padded[j : j + rows, i : i + columns] for j in range(3) for i in range(3)])
    found = np.zeros_like(values_YX)
    known = ~np.isnan(around).all(0)
    found[known] = np.nanmedian(around[:, known], axis=0)
    return found


def _around(suspect_YX: np.ndarray) -> Part | None:
    """The rows and columns of the marked points and their neighbours; None if no point is marked."""
    if not suspect_YX.any():
        return None

    def near(marked) -> list[int]:
        wide = np.convolve(marked, [1, 1, 1], mode="same") > 0
        return np.flatnonzero(wide).tolist()

    return Part(near(np.any(suspect_YX, axis=1)), near(np.any(suspect_YX, axis=0)))


def _twin(passes: Passes, targets_B: Tensor, spec: LandscapeSpec, part: Part) -> Evaluation:
    """The part in the other precision, from a separate forward pass."""
    network = passes[0]().network
    dtype = torch.float32 if network.dtype == torch.float64 else torch.float64
    other = network_in(network, dtype)
    found = []
    for make in passes:
        clean = make()
        gains = None if clean.gains is None else [gain.to(dtype) for gain in clean.gains]
        again = CleanPass(other, clean.inputs(0), batch_statistics=clean.batch_statistics, gains=gains)
        found.append(evaluate(again, targets_B.to(dtype), spec, part))
    return average(found)


def network_in(network: Network, dtype: torch.dtype) -> Network:
    """The same network in another precision."""

    def layer_in(layer: Layer) -> Layer:
        norm = layer.norm
        if norm is not None:
            names = ("weight_N", "bias_N", "mean_N", "var_N")
            norm = replace(norm, **{name: getattr(norm, name).to(dtype) for name in names})
        return replace(layer, weight_NM=layer.weight_NM.to(dtype), bias_N=layer.bias_N.to(dtype), norm=norm)

    return replace(network, layers=tuple(layer_in(layer) for layer in network.layers))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
