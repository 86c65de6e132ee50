"""Directions made from recorded checkpoints: the last step, the way to another, principal components of the path."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gradviz.errors import NotHere, UserError
from gradviz.landscape.directions.axis import Principal, Step, Towards
from gradviz.landscape.directions.checking import check_components, check_network, check_path, check_steps, under
from gradviz.landscape.directions.vector import Parameters, Vector, dot, inner_product
from gradviz.numbers import percent_of

BLOCK_BYTES = 2**28
"""Memory for checkpoints that are held at once while the path's inner products are formed."""

RANK = 1e-10
"""Components with a smaller share of the largest one's variance are round-off."""

# Shape suffix: E = recorded epochs.


class Path(Protocol):
    """A run's recorded checkpoints, one of which is looked at."""

    @property
    def run(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    def epochs(self) -> Sequence[int]:
        """The recorded ones, ascending."""
        ...

    def parameters(self, epoch: int) -> Parameters:
        """Those of the run after an epoch."""
        ...

    def of(self, run: str, epoch: int) -> Parameters:
        """Those of another run; `UserError` if there is none."""
        ...


@dataclass(frozen=True)
class Components:
    """Principal components of a path, by variance. `weights_KE[k]` gives the k-th as a sum of checkpoints."""

    epochs: tuple[int, ...]
    weights_KE: Tensor
    variances_K: Tensor
    total: float

    def share(self, number: int) -> float:
        """Of the path's variance, the part along a component counted from 1."""
        return self.variances_K[number - 1].item() / self.total


def last_step(path: Path) -> tuple[int, int]:
    """The recorded epochs that the step to the checkpoint lies between; at the first, those of the next step."""
    epochs = list(path.epochs())
    place = epochs.index(path.epoch)
    check_steps(path.run, epochs)
    return (epochs[place - 1], path.epoch) if place else (path.epoch, epochs[1])


def step_vector(axis: Step, path: Path) -> Vector:
    """θ(e) − θ(e′) for the recorded epoch e′ before e; `UserError` at the first."""
    if last_step(path)[1] != path.epoch:
        raise NotHere(f"`{axis}`: no step leads to epoch {path.epoch}, the first", "choose a later one")
    parts, step = _last_difference(path, axis.prefix, axis)
    return Vector(str(axis), parts, step, unit=step)


def step_length(path: Path, prefix: str = "") -> tuple[float, str]:
    """Of the step to the checkpoint, or at the first the next one, with its name."""
    parts, name = _last_difference(path, prefix, prefix)
    length = math.sqrt(inner_product(parts, parts))
    if length == 0:
        before, after = last_step(path)
        raise NotHere(f"Nothing moved from epoch {before} to {after}, so that no length is known", "choose another")
    return length, name


def _last_difference(path: Path, prefix: str, axis: object) -> tuple[Parameters, str]:
    """What the last step has added to the parameters under a prefix, and the step's name."""
    before, after = last_step(path)
    here, there = path.parameters(after), path.parameters(before)
    parts = {name: here[name] - there[name] for name in under(prefix, here, axis)}
    return parts, f"the step from epoch {before} to {after}"


def towards_vector(axis: Towards, path: Path) -> Vector:
    """From the checkpoint to another one with the same shapes."""
    here, there = path.parameters(path.epoch), path.of(axis.run, axis.epoch)
    check_network(axis, path.run, *({name: part.shape for name, part in parts.items()} for parts in (here, there)))
    parts = {name: there[name] - part for name, part in here.items()}
    notes = ()
    if lacking := [name for name in there if name not in here]:
        notes = (f"{axis.run} has {len(lacking)} more tensors, such as {lacking[0]}, which do not move.",)
    return Vector(
        str(axis),
        parts,
        f"all the way to epoch {axis.epoch} of {axis.run}",
        notes,
        unit=f"epoch {axis.epoch} of {axis.run}",
    )


def principal_vector(axis: Principal, path: Path, components: Components | None = None) -> Vector:
    """A principal component of the recorded path, as long as the path's standard deviation along it.

    It points to where training went: the last checkpoint's coordinate is larger than the first one's.
    """
    found = components or principal_components(path)
    check_components(axis, path.run, len(found.epochs), len(found.weights_KE))
    weights = found.weights_KE[axis.number - 1]
    parts: dict[str, Tensor] = {}
    for epoch, weight in zip(found.epochs, weights.tolist(), strict=True):
        for name, part in path.parameters(epoch).items():
            parts[name] = parts[name].add_(part, alpha=weight) if name in parts else weight * part
    meaning = f"the standard deviation of the path of {len(found.epochs)} checkpoints along its component {axis.number}"
    note = f"Component {axis.number} holds {percent_of(found.share(axis.number))} of the path's variance."
    return Vector(str(axis), parts, meaning, (note,), unit="the path's standard deviation along it")


def principal_components(path: Path) -> Components:
    """All of them, from the checkpoints' inner products, which are formed in blocks: the path is never held whole."""
    epochs = tuple(path.epochs())
    check_path(path.run, epochs)
    gram_EE = _inner_products(path, epochs)
    count = len(epochs)
    centring = torch.eye(count, dtype=torch.float64) - 1 / count
    values, vectors = torch.linalg.eigh(centring @ gram_EE @ centring)
    values, vectors = values.flip(0), vectors.flip(1).T
    kept = values > RANK * values[0]
    if not bool(values[0] > 0):
        raise UserError(f"The checkpoints of {path.run} are all the same: its path has no components.")
    values, vectors = values[kept], vectors[kept]
    # A vector w of the Gram matrix, of eigenvalue λ, gives the unit component Σ w θ / √λ, with deviation √(λ / E).
    weights_KE = (vectors @ centring) / math.sqrt(count)
    forward = vectors[:, -1] - vectors[:, 0]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))[:, 0]
    signs = torch.where(forward.abs() > 1e-9, forward, largest).sign()
    return Components(epochs, weights_KE * signs[:, None], values / count, values.sum().item() / count)


def _inner_products(path: Path, epochs: Sequence[int]) -> Tensor:
    """(E, E) of the differences from the first checkpoint, whose size would hide them."""
    first = path.parameters(epochs[0])
    each = max(1, BLOCK_BYTES // max(1, 8 * sum(part.numel() for part in first.values())))
    gram_EE = torch.zeros((len(epochs), len(epochs)), dtype=torch.float64)
    starts = range(0, len(epochs), each)
    for a in starts:
        rows = list(_differences(path, epochs[a : a + each], first))
        for b in starts[: a // each + 1]:
            columns = rows if a == b else _differences(path, epochs[b : b + each], first)
            for j, column in enumerate(columns):
                for i, row in enumerate(rows):
                    gram_EE[a + i, b + j] = gram_EE[b + j, a + i] = dot(row, column)
    return gram_EE


def _differences(path: Path, epochs: Sequence[int], first: Parameters) -> Iterator[Tensor]:
    for epoch in epochs:
        own = path.parameters(epoch)
        yield torch.cat([(own[name] - part).reshape(-1) for name, part in first.items()])
