"""The gradients of all minibatches at a checkpoint of any network, one backward pass of the user's own loss for each.

They are held a few tensors at a time, for all minibatches, within a bound; a larger model is passed through several
times. An entry that is zero up to round-off is 0: the rule of `replay/zero.py`, which compares float32 with float64,
here with all minibatches in the place of a grid's points. With e = |g32 − g64| of the entry,

    resolved      |g64| > 8 e
    zero          |g64| ≤ 1e-3 e', and 1e-9 of the minibatch's largest gradient; or both are exactly 0
    unresolved    otherwise: float64's number counts

e' is the largest e of the entry at any minibatch, all measured by their largest gradients: float32 may be right by luck
at one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradviz.errors import UserError
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import gradient_of
from gradviz.landscape.replay.checking import FLOOR
from gradviz.landscape.replay.loop import differentiable, passed_back, renew
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.replay.unseeded import check_same_again, seen_drawing
from gradviz.landscape.replay.zero import NEGLIGIBLE, UNRESOLVED, ZERO
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, N = units of a tensor (its first axis), R = numbers of each unit.

HELD = 2**26
"""Numbers of gradients to hold at once, of all minibatches: about 320 MB, and the double for what is made of them."""

_HALF_WIDTH = Plane.half_width


@dataclass(frozen=True)
class Piece:
    """Some units of a tensor of parameters."""

    name: str
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class Block:
    """∂J_k/∂θ for the parameters of a piece, (K, N, R), in the problems' dtype; a complex number counts as two."""

    piece: Piece
    gradients_KNR: Tensor


@dataclass(frozen=True)
class _Pass:
    """A minibatch's gradients by all parameters (None: not reached), in the sum of the sets of random numbers."""

    loss: float
    gradients: dict[str, Tensor | None]

    @property
    def largest(self) -> float:
        return max((each.abs().max().item() for each in self.gradients.values() if each is not None), default=0.0)


def parameters_of(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that have gradients, each once, by name: a tied one has its first name."""
    return {name: each for name, each in model.named_parameters() if each.is_floating_point() or each.is_complex()}


def whole(name: str, parameter: Tensor) -> Piece:
    """All units of a tensor; a number without axes is one unit."""
    return Piece(name, 0, parameter.shape[0] if parameter.ndim else 1)


def gradient_blocks(problems: Sequence[Problem], wanted: Sequence[Piece], *, is_judged: bool = True) -> Iterator[Block]:
    """The gradients of all `problems`: one model, in one mode and dtype, at several minibatches; in pieces as `wanted`
    or smaller, in that order.

    The k-th minibatch has the k-th set of random numbers if masks are `fresh`, and otherwise those of the centre of a
    landscape. Costs a pass forward and backward in float32 and one in float64 for each minibatch and set, times the
    number of HELDs that the gradients fill; without judging what is zero, those in the problems' own dtype alone.
    `UserError` for a loss that fails, is not finite or is not a function of parameters, minibatch and seed.
    """
    parameters = parameters_of(problems[0].model)
    step = HELD // len(problems)
    with undisturbed(problems[0].model), torch.enable_grad():
        _check(problems[0])
    for group in _groups([small for piece in wanted for small in _split(piece, parameters[piece.name], step)], step):
        with undisturbed(problems[0].model), torch.enable_grad():
            held = _Held(problems, [piece for piece, _ in group])
            for k, problem in enumerate(problems):
                dtypes = (torch.float32, torch.float64) if is_judged else (problem.dtype, problem.dtype)
                held.add(k, *(_passed(problem.computed_in(dtype), k) for dtype in dict.fromkeys(dtypes)))
        yield from held.decided()


class _Held:
    """What is known of some pieces while the minibatches pass."""

    def __init__(self, problems: Sequence[Problem], pieces: Sequence[Piece]) -> None:
        first, self._pieces = problems[0], pieces
        self._dtype, self._scales = first.dtype, torch.zeros(len(problems), dtype=torch.float64, device=first.device)
        forms = {name: _by_units(tensor.detach()) for name, tensor in parameters_of(first.model).items()}
        shapes = [(piece.stop - piece.first, forms[piece.name].shape[1]) for piece in pieces]

        def blank(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=first.device)

        self._values = [blank((len(problems), *shape), first.dtype) for shape in shapes]
        self._in_doubt = [blank((len(problems), *shape), torch.bool) for shape in shapes]
        self._error = [blank(shape, torch.float64) for shape in shapes]

    def add(self, k: int, single: _Pass, double: _Pass | None = None) -> None:
        """The k-th minibatch in both precisions, or in one that is not judged."""
        if double is None:
            double = single
        scale = self._scales[k] = max(double.largest, FLOOR * abs(double.loss) / _HALF_WIDTH)
        for number, piece in enumerate(self._pieces):
            one, other = (_of(piece, each.gradients[piece.name]) for each in (single, double))
            if one is None or other is None:
                continue
            error = (one.double() - other).abs()
            unresolved = (other.abs() <= UNRESOLVED * error) & (error > 0)
            shown = other if self._dtype == torch.float64 else torch.where(unresolved, other, one.double())
            self._values[number][k] = shown
            self._in_doubt[number][k] = unresolved
            if scale > 0:
                self._error[number] = torch.maximum(self._error[number], error / scale)

    def decided(self) -> Iterator[Block]:
        """Each piece, its zeros exactly 0."""
        for piece, values, in_doubt, error in zip(self._pieces, self._values, self._in_doubt, self._error, strict=True):
            limit = (ZERO * error).clamp_max(NEGLIGIBLE)
            for k, scale in enumerate(self._scales):
                values[k][in_doubt[k] & (values[k].abs() <= scale * limit)] = 0
            yield Block(piece, values)


def _passed(problem: Problem, number: int, model: PrivateModel | None = None) -> _Pass:
    """One minibatch in the problem's dtype: the mean over its sets of random numbers."""
    model, sets = model or differentiable(problem), problem.sets(number)
    loss, sums = 0.0, dict.fromkeys(parameters_of(model.module))
    for each in sets:
        between_tiles()
        renew(model)
        loss += passed_back(problem, model, each) / len(sets)
        for name, parameter in parameters_of(model.module).items():
            gradient, known = gradient_of(parameter), sums[name]
            if gradient is not None:
                sums[name] = gradient / len(sets) if known is None else known + gradient / len(sets)
    found = _Pass(loss, sums)
    if not torch.tensor([loss, found.largest]).isfinite().all():
        raise UserError(f"The loss of minibatch {number}, or its gradient, is not finite.")
    return found


def _check(problem: Problem) -> None:
    """`UserError` unless the loss is a function of parameters, minibatch and seed."""
    exact = problem.computed_in(torch.float64)
    model = differentiable(exact)

    def numbers() -> Tensor:
        found = _passed(exact, 0, model)
        squares = sum(float(each.abs().square().sum()) for each in found.gradients.values() if each is not None)
        return torch.tensor([found.loss, squares], dtype=torch.float64)

    check_same_again(*seen_drawing(problem, lambda: (numbers(), numbers())))


def _of(piece: Piece, gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else _by_units(gradient)[piece.first : piece.stop]


def _by_units(tensor: Tensor) -> Tensor:
    """(N, R) real numbers."""
    real = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return real.reshape(len(tensor) if tensor.ndim else 1, -1)


def _split(piece: Piece, parameter: Tensor, most: int) -> Iterator[tuple[Piece, int]]:
    """Pieces of at most so many numbers, or of one unit, each with its size."""
    size = _by_units(parameter.detach()).shape[1]
    step = max(1, most // max(1, size))
    for first in range(piece.first, piece.stop, step):
        stop = min(first + step, piece.stop)
        yield Piece(piece.name, first, stop), (stop - first) * size


def _groups(pieces: Sequence[tuple[Piece, int]], most: int) -> Iterator[list[tuple[Piece, int]]]:
    group: list[tuple[Piece, int]] = []
    for piece, size in pieces:
        if group and sum(each for _, each in group) + size > most:
            yield group
            group = []
        group.append((piece, size))
    if group:
        yield group
