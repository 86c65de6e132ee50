"""Directions made from the loss: gradients of minibatches, and eigenvectors of its Hessian."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from gradviz.errors import NotHere, UserError, shown
from gradviz.landscape.directions.axis import Curvature, Gradient
from gradviz.landscape.directions.checking import check_minibatch, check_size, under
from gradviz.landscape.directions.path import Path, step_length
from gradviz.landscape.directions.vector import Parameters, Vector, inner_product
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.loop import at_centre
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.twice import FLAT, loss_to_derive
from gradviz.landscape.surroundings import undisturbed
from gradviz.numbers import number

ITERATIONS = 60
"""Lanczos restarts before an eigenvector is refused."""

RESIDUAL = 1e-3
"""Largest |H v − λ v| / |λ| of an eigenvector that is shown."""

SAME = 1e-6
"""Magnitudes of two eigenvalues that differ by less of them are the same."""


def gradient_vector(
    axis: Gradient, path: Path, gradient: Callable[[int], Parameters], minibatches: int, num_rows: int
) -> Vector:
    """A minibatch's gradient at the checkpoint, or the mean of all, as long as the last recorded step.

    `gradient(m)` is that of minibatch m, of about `num_rows` rows.
    """
    check_minibatch(axis, minibatches)
    wanted = range(minibatches) if axis.minibatch is None else [axis.minibatch]
    total: dict[str, Tensor] = {}
    for minibatch in wanted:
        found = gradient(minibatch)
        for name in under(axis.prefix, found, axis):
            total[name] = total[name] + found[name] if name in total else found[name]
    length, step = step_length(path, axis.prefix)
    size = inner_product(total, total) ** 0.5
    if size == 0:
        raise NotHere(f"`{axis}` is zero at epoch {path.epoch}", "choose another direction")
    whose = (
        f"minibatch {axis.minibatch}" if axis.minibatch is not None else f"all {minibatches} minibatches, their mean"
    )
    parts = {name: part * (length / size) for name, part in total.items()}
    rank = num_rows if len(wanted) == 1 else None
    return Vector(
        str(axis), parts, f"along the gradient of {whose}, as long as {step}", rank=rank, unit=f"as long as {step}"
    )


def whole_gradient(problem: Problem, point: int) -> dict[str, Tensor]:
    """The gradient by all real parameters in float64 on the CPU, with the random numbers of a grid point."""
    exact = problem.computed_in(torch.float64)
    with undisturbed(problem.model), torch.enable_grad():
        found = at_centre(exact, exact.sets(point)).gradients
    total = {}
    for name, part in problem.model.named_parameters():
        if part.is_floating_point():
            gradient = found[name]
            total[name] = torch.zeros(part.shape, dtype=torch.float64) if gradient is None else gradient.cpu()
    return total


def curvature_vector(axis: Curvature, path: Path, problem: Problem, centre: int) -> Vector:
    """An eigenvector of the Hessian of the minibatch's loss, by magnitude, as long as the last recorded step.

    Lanczos with implicit restarts (scipy's `eigsh`, ARPACK) on products with the Hessian in float64. `UserError` where
    the loss has no curvature, or no eigenvector converges. Its largest entry is positive.
    """
    exact = problem.computed_in(torch.float64)
    [drawn] = exact.sets(centre)[:1]
    with loss_to_derive(exact, drawn) as (value, parameters):
        names, tensors = list(parameters), list(parameters.values())
        gradients = torch.autograd.grad(value, tensors, create_graph=True, allow_unused=True)
        by = [k for k, gradient in enumerate(gradients) if gradient is not None and gradient.requires_grad]
        slopes = [gradients[k] for k in by]
        sizes = [tensor.numel() for tensor in tensors]

        def product(vector: np.ndarray) -> np.ndarray:
            between_tiles()
            along = _split(torch.from_numpy(np.array(vector, np.float64)), tensors)
            into = [along[k] for k in by]
            try:
                found = torch.autograd.grad(slopes, tensors, into, retain_graph=True, allow_unused=True)
            except RuntimeError as error:
                raise UserError(f"`{axis}`: the loss cannot be derived twice: {shown(error)}.") from error
            return torch.cat([_flat(one, like) for one, like in zip(found, tensors, strict=True)]).numpy()

        probe = _probe(sum(sizes))
        steepness = max((slope.detach().abs().max().item() for slope in slopes), default=0.0)
        if not slopes or np.abs(product(probe)).max() <= FLAT * max(steepness, 1e-300):
            raise NotHere(
                f"`{axis}`: the loss of this minibatch has no curvature at epoch {path.epoch}; it is piecewise linear "
                "in the parameters, so that its Hessian is zero",
                "choose a gradient or a step",
            )
        eigenvalue, vector = _eigen(axis, product, probe, sum(sizes))
        residual = float(np.linalg.norm(product(vector) - eigenvalue * vector) / abs(eigenvalue))
    if residual > RESIDUAL:
        raise NotHere(
            f"`{axis}` has not converged, with a residual of {number(residual, 2)} of the eigenvalue",
            "choose a smaller number",
        )
    length, step = step_length(path)
    factor = length * (1.0 if vector[np.abs(vector).argmax()] > 0 else -1.0)
    pieces = _split(torch.from_numpy(vector * factor), tensors)
    meaning = f"along eigenvector {axis.number} of the Hessian, as long as {step}"
    value = f"{number(eigenvalue)}, with a residual of {number(residual, 1)} of it"
    note = f"Eigenvalue {axis.number} of the Hessian is {value}."
    found = dict(zip(names, (piece.cpu() for piece in pieces), strict=True))
    return Vector(str(axis), found, meaning, (note,), unit=f"as long as {step}")


def _eigen(
    axis: Curvature, product: Callable[[np.ndarray], np.ndarray], probe: np.ndarray, size: int
) -> tuple[float, np.ndarray]:
    """An eigenvalue, counted by magnitude, and its vector. Of two that differ in sign alone, as a loss without
    curvature within each layer has them, the positive one comes first."""
    wanted = axis.number + 1  # one more, to see such a pair
    check_size(axis, size)
    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    ncv = min(size, max(2 * wanted + 1, 20))
    try:
        values, vectors = eigsh(operator, k=wanted, which="LM", v0=probe, ncv=ncv, maxiter=ITERATIONS, tol=1e-8)  # pyright: ignore[reportArgumentType]
    except ArpackNoConvergence as error:
        raise NotHere(
            f"`{axis}` has not converged in {ITERATIONS} restarts of Lanczos, which found {len(error.eigenvalues)} of "
            f"{wanted} eigenvectors",
            "choose a smaller number",
        ) from error
    order = sorted(range(wanted), key=lambda k: -abs(values[k]))
    for k in range(wanted - 1):
        first, second = values[order[k]], values[order[k + 1]]
        if first < 0 < second and abs(first + second) < SAME * second:
            order[k], order[k + 1] = order[k + 1], order[k]
    chosen = order[axis.number - 1]
    return float(values[chosen]), vectors[:, chosen]


def _probe(size: int) -> np.ndarray:
    """Where Lanczos begins: always the same numbers."""
    return torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()


def _split(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    pieces = flat.split([tensor.numel() for tensor in like])
    return [piece.reshape(tensor.shape).to(tensor) for piece, tensor in zip(pieces, like, strict=True)]


def _flat(gradient: Tensor | None, like: Tensor) -> Tensor:
    return (torch.zeros_like(like) if gradient is None else gradient).detach().reshape(-1).cpu()
