"""Is the gradient by one parameter zero, and why: for any network, from a few evaluations along the parameter itself.

`zero.py` has the rule. Where it is zero, moving the parameter in float64, near (one half-width) and far (ten), tells
why.
"""

from dataclasses import dataclass, replace
from enum import Enum

import torch

from gradviz.landscape.field import ZeroReason, zero_message
from gradviz.landscape.replay.checking import FLOOR
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.naming import named_reason
from gradviz.landscape.replay.problem import Plane, Problem, Scalar, check_plane
from gradviz.landscape.replay.zero import UNRESOLVED, bound_of_zero
from gradviz.landscape.surroundings import undisturbed

FAR = 10
"""Half-widths."""

_UNCHANGED = 1e-11
"""Of the loss: float64's rounding through some thousand terms, far below any change that a picture shows."""


class Why(Enum):
    """What the gradient by a parameter is; the value is a sentence for the page."""

    NOT_ZERO = "The gradient is not zero."
    UNRESOLVED = "The gradient is not zero, but smaller than the rounding error of float32."
    NOT_REACHED = "The gradient is exactly zero: this minibatch does not reach the parameter."
    TAKEN_OUT = (
        "The gradient is zero: the loss does not depend on this parameter, because what follows takes it out, as a"
        " norm or a softmax does."
    )
    INACTIVE = "The gradient is zero: the loss is flat here and changes further away, as at an inactive unit."
    TERMS_CANCEL = "The gradient is zero at this point: its terms cancel, and the loss changes around it."


@dataclass(frozen=True)
class Verdict:
    """Why, and the gradient at the checkpoint as float32 and float64 give it, in units of the loss per unit of the
    parameter."""

    why: Why
    single: float
    double: float
    reason: ZeroReason | None = None
    """What takes the parameter out, if that has a name."""

    @property
    def is_zero(self) -> bool:
        return self.why not in (Why.NOT_ZERO, Why.UNRESOLVED)

    @property
    def sentence(self) -> str:
        """What the gradient is, and why."""
        return self.why.value if self.reason is None else zero_message(self.reason)


def why_zero(problem: Problem, scalar: Scalar, *, half_width: float = 0.1) -> Verdict:
    """Judges ∂J/∂scalar at the checkpoint, with one set of random numbers where any are drawn.

    Costs eight forward and backward passes, five of them in float64, and two forward passes to name a zero.
    `UserError` as `network_landscape`.
    """
    plane = Plane(scalar, _another(problem, scalar), half_width=FAR * half_width, points=2 * FAR + 1)
    check_plane(problem, plane)
    row = FAR * plane.points + FAR
    far_below, below, here, above, far_above = (row + step for step in (-FAR, -1, 0, 1, FAR))
    one_set = replace(problem, masks="frozen")
    with undisturbed(problem.model), torch.enable_grad():
        along = [far_below, below, here, above, far_above]
        double = by_loop(one_set.computed_in(torch.float64), plane, along)
        single = by_loop(one_set.computed_in(torch.float32), plane, [below, here, above])
    loss, gradient = double[:, 0], double[:, 1]
    error = (single[:, 1] - gradient[1:4]).abs().max().item()
    size = max(gradient.abs().max().item(), FLOOR * loss[2].abs().item() / half_width)
    found = Verdict(Why.NOT_ZERO, single[1, 1].item(), gradient[2].item())
    is_nothing = found.single == found.double == 0
    if not is_nothing and abs(found.double) > bound_of_zero(error, size, loss[2].abs().item(), half_width):
        return replace(found, why=Why.UNRESOLVED) if abs(found.double) <= UNRESOLVED * error else found
    changes = (loss - loss[2]).abs() > _UNCHANGED * loss.abs().max()
    if changes[1:4].any():
        return replace(found, why=Why.TERMS_CANCEL)
    with undisturbed(problem.model):
        reason = named_reason(problem, scalar, half_width)
    if changes.any():
        return replace(found, why=Why.INACTIVE, reason=reason)
    return replace(found, why=Why.NOT_REACHED if is_nothing else Why.TAKEN_OUT, reason=reason)


def _another(problem: Problem, scalar: Scalar) -> Scalar:
    """Any other scalar of the model, which stays where it is; the same where there is none, which is refused."""
    for name, tensor in problem.model.named_parameters():
        for index in ((0,) * tensor.ndim, tuple(n - 1 for n in tensor.shape)):
            if tensor.is_floating_point() and Scalar(name, index) != scalar and tensor.numel():
                return Scalar(name, index)
    return scalar
