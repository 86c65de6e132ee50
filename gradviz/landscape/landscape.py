"""The gradient landscape of a model on a minibatch: the function for users."""

from functools import partial
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.experiment.model import MLP
from gradviz.landscape.clean import CleanPass, draw_gains
from gradviz.landscape.evaluate import average, evaluate
from gradviz.landscape.field import GradientField, ZeroReason
from gradviz.landscape.models import checked, network_of
from gradviz.landscape.network import Network, check_spec, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.reference import landscape_by_loop, mask_numbers
from gradviz.landscape.request import LandscapeSpec, grid_steps
from gradviz.landscape.resolving import Passes, resolve
from gradviz.landscape.rows import check_finite, check_rows, check_size
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch.

Method = Literal["engine", "reference"]
METHODS: tuple[Method, ...] = get_args(Method)
Numbers = tuple[np.ndarray, np.ndarray, np.ndarray]
"""u, v and loss, (Y, X) each."""


def gradient_landscape(
    model: MLP,
    inputs: Tensor,
    targets: Tensor,
    spec: LandscapeSpec,
    *,
    method: Method = "engine",
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> GradientField:
    """∂J/∂x and ∂J/∂y with J = mean |O(a; θ) - y|, on the grid of `spec`, every other parameter at the model's value.

    `inputs` (B, I) and `targets` (B,) are one minibatch a. This never changes `model` or the global random state. It
    compares a `model` that is more than its layers (a subclass, hooks) with them on a few of the rows.
    `method="reference"` is the plain loop of forward and backward passes: the same numbers, hundreds of
    times slower. Raises `UserError` for parameters that the model does not have, or a minibatch that does not fit.

    >>> import torch
    >>> from gradviz.experiment.model import MLP
    >>> from gradviz.landscape import LandscapeSpec, gradient_landscape
    >>> model = MLP(num_inputs=4, hidden=(8, 6, 5))
    >>> inputs, targets = torch.eye(4), torch.tensor([1.0, 2.0, 3.0, 4.0])
    >>> spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=5)
    >>> field = gradient_landscape(model, inputs, targets, spec)
    >>> field.u.shape, field.num_rows
    ((5, 5), 4)
    """
    if method not in METHODS:
        raise UserError(f"`method` must be one of {', '.join(METHODS)}, got {shown(repr(method))}.")
    rows = inputs if isinstance(inputs, Tensor) else None
    network = network_of(model, dtype=dtype, device=device, rows=rows)
    minibatch = Minibatch(network, inputs, targets)
    check_spec(parameter_shapes(network), spec)
    if method == "engine":
        return minibatch.landscape(spec)
    check_size(network, spec.mode, len(minibatch.inputs))
    with undisturbed(), torch.enable_grad():
        numbers = landscape_by_loop(checked(model), minibatch.inputs, minibatch.targets, spec)
    return minibatch.landscape(spec, numbers=numbers)


class Minibatch:
    """A network and a minibatch, with the forward passes that its landscapes share.

    Keep one of these for several landscapes of one checkpoint and minibatch: it computes the layers below only once
    (per mode and set of masks).
    """

    def __init__(self, network: Network, inputs: Tensor, targets: Tensor) -> None:
        check_rows(network, inputs, targets)
        self.network = network
        self.inputs = inputs.to(device=network.device, dtype=network.dtype)
        self.targets = targets.to(device=network.device, dtype=network.dtype)
        self._passes: dict[tuple[bool, int | None, int | None], CleanPass] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the rows and of the kept forward passes, without the network, which others share."""
        return self.inputs.nbytes + self.targets.nbytes + sum(clean.nbytes for clean in self._passes.values())

    def clean(self, spec: LandscapeSpec, number: int | None = None) -> CleanPass:
        """The forward pass at the checkpoint in the mode of `spec`, with its `number`-th set of masks if any."""
        batch_statistics = spec.mode == "train" and self.network.has_norm
        key = (batch_statistics, None, None) if number is None else (batch_statistics, spec.seed, number)
        if key not in self._passes:
            gains = None if number is None else draw_gains(self.network, spec.seed, number, len(self.inputs))
            # Keep at most one masked pass: averaged masks would fill the memory with passes used once.
            self._passes = {kept: clean for kept, clean in self._passes.items() if kept[1] is None}
            self._passes[key] = CleanPass(self.network, self.inputs, batch_statistics=batch_statistics, gains=gains)
        return self._passes[key]

    def passes(self, spec: LandscapeSpec) -> Passes:
        """Makes the forward passes behind a field of `spec`, of which it is the mean: one for each set of masks."""
        sets = mask_numbers(spec, 0) if self.draws_masks(spec) and spec.masks != "fresh" else [None]
        # Repeats passes if needed, because keeping those of 64 sets of masks would take gigabytes.
        return [partial(self.clean, spec, number) for number in sets]

    def draws_masks(self, spec: LandscapeSpec) -> bool:
        return spec.mode == "train" and self.network.draws_masks

    def has_clean(self) -> bool:
        """Whether it already has its pass without masks or batch statistics."""
        return (False, None, None) in self._passes

    def share(self, clean: CleanPass) -> None:
        """Uses `clean`, a pass over this minibatch without masks or batch statistics, instead of its own."""
        self._passes[False, None, None] = clean

    def landscape(self, spec: LandscapeSpec, *, numbers: Numbers | None = None) -> GradientField:
        """The field of `spec`; `numbers` (u, v, loss of the reference) replace the engine's.

        `UserError` if a value is not finite, at the checkpoint or on the grid around it.
        """
        check_size(self.network, spec.mode, len(self.inputs))
        with undisturbed(), np.errstate(over="ignore", invalid="ignore"):  # reported below
            field = self._landscape(spec, numbers)
        check_finite(self.network, *(torch.from_numpy(values) for values in (field.u, field.v, field.loss)))
        return field

    def _landscape(self, spec: LandscapeSpec, numbers: Numbers | None) -> GradientField:
        with torch.inference_mode():
            passes = self.passes(spec)
            whole = average([evaluate(clean(), self.targets, spec) for clean in passes])
            first = passes[0]()
            of_x, of_y = resolve(passes, whole, self.targets, spec, None if numbers is None else numbers[:2])
            u, v, loss = numbers or (of_x.gradient, of_y.gradient, whole.loss.cpu().numpy())
            is_zero = (of_x.reason != ZeroReason.NONE) & (of_y.reason != ZeroReason.NONE)
            reason = np.minimum(of_x.reason, of_y.reason)
            x, y = self.axes(spec)
            centre = spec.points // 2
            return GradientField(
                x,
                y,
                u,
                v,
                loss,
                is_zero,
                np.where(is_zero, reason, ZeroReason.NONE).astype(np.uint8),
                share_below=whole.below[centre, centre].item(),
                num_rows=len(self.targets),
                x_active=_active(first, spec.refs[0]),
                y_active=_active(first, spec.refs[1]),
                u_reason=of_x.reason,
                v_reason=of_y.reason,
                num_unresolved=int((~is_zero & (of_x.unresolved | of_y.unresolved)).sum()) if numbers is None else 0,
                spec=spec,
                draws_masks=self.draws_masks(spec),
            )

    def axes(self, spec: LandscapeSpec) -> tuple[np.ndarray, np.ndarray]:
        """The values of both parameters along their axes, in float64."""
        steps = np.array(grid_steps(spec))
        x, y = spec.refs
        return self.network.value(x) + steps, self.network.value(y) + steps


def _active(clean: CleanPass, ref: ParameterRef) -> float:
    """Share of the minibatch's rows on which the parameter's unit is active, whether or not a mask drops it."""
    return 1.0 if ref.layer is None else _share(clean.active(ref.layer)[:, ref.unit])


def _share(rows_B: Tensor) -> float:
    return int(rows_B.sum()) / len(rows_B)
