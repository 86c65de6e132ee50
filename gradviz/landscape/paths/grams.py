"""Inner products of paths, in blocks of the parameters: the paths are never held whole.

A path is taken as its deviation D from the recorded path at the same step. So what is equal gives exactly 0, and small
differences between long paths keep their digits. Products are formed and added up in float64. With δ = D + r, r the way
of the recorded path:

    <δ_k, δ_l>  =  <D_k, D_l> + <D_k, r> + <D_l, r> + <r, r>
"""

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.paths.kept import Kept, PathShape

# Shape suffixes: T = points, K = replicas of a condition, R = all replicas, P = numbers of all parameters, c = columns
# of a block, M = replicas and the recorded path, A = axes, V = vectors.

_BLOCK_BYTES = 2**24  # held at once in float64
_WINDOW_BYTES = 2**26  # read at once, and as much again that is read ahead
_READERS = 2
RANK = 1e-12
"""Components with a smaller share of the largest one's variance are round-off."""


@dataclass(frozen=True, eq=False)
class Products:
    """Inner products of the K paths of one condition at each point, float64: `deviations_TKK` of their deviations from
    the recorded path, and `along_TK` of these with the recorded path's way from the checkpoint."""

    deviations_TKK: np.ndarray
    along_TK: np.ndarray

    def ways_TKK(self, recorded_T: np.ndarray) -> np.ndarray:
        """Inner products of the ways from the checkpoint. `recorded_T`: the recorded way's length, squared."""
        along_TKK = self.along_TK[:, :, None] + self.along_TK[:, None, :]
        return self.deviations_TKK + along_TKK + recorded_T[:, None, None]


@dataclass(frozen=True, eq=False)
class Ends:
    """Inner products of the ways to all ends: `ways_MM`, of the recorded path first, then of all replicas."""

    ways_MM: np.ndarray

    def axes(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Principal components of the ends: weights (A, M) that sum the ways of the ends to unit vectors, and shares
        (A,) of the variance. Fewer than `number` if the ends span no more.

        The recorded end's coordinate is not negative.
        """
        count = len(self.ways_MM)
        centring = np.eye(count) - 1 / count
        values, vectors = np.linalg.eigh(centring @ self.ways_MM @ centring)
        values, vectors = values[::-1], vectors[:, ::-1].T
        kept = (values > RANK * max(values[0], 0.0))[:number] if values[0] > 0 else np.zeros(0, bool)
        values_A, vectors_AM = values[: len(kept)][kept], vectors[: len(kept)][kept]
        weights_AM = (vectors_AM @ centring) / np.sqrt(values_A)[:, None]
        towards_A = weights_AM @ self.ways_MM[:, 0]
        signs_A = np.where(towards_A < 0, -1.0, 1.0)
        total = np.trace(centring @ self.ways_MM @ centring)
        return weights_AM * signs_A[:, None], values_A / total


@dataclass(frozen=True)
class Paths:
    """The names of kept paths: `recorded` has the checkpoint itself as its first point, so one more than `others`."""

    kept: Kept
    recorded: str
    others: Sequence[str]
    shape: PathShape

    @property
    def recorded_shape(self) -> PathShape:
        return PathShape(self.shape.points + 1, self.shape.numbers, self.shape.dtype)

    def blocks(self, points: slice) -> Iterator[tuple[Tensor, Tensor]]:
        """(T, c) ways of the recorded path and (T, R, c) deviations of the others at some points, block by block."""
        for first_1c, here_Tc, *others in self._windows(points):
            width = max(64, _BLOCK_BYTES // (8 * len(here_Tc) * (len(others) + 1)))
            for begin in range(0, here_Tc.shape[1], width):
                columns = slice(begin, begin + width)
                some_Tc = here_Tc[:, columns]
                deviations_TRc = torch.empty((len(some_Tc), len(others), some_Tc.shape[1]), dtype=torch.float64)
                for place_Tc, other_Tc in zip(deviations_TRc.unbind(1), others, strict=True):
                    # As they were kept: rounded by 6e-8 of the difference in float32, and at half the cost.
                    place_Tc.copy_(other_Tc[:, columns] - some_Tc)
                yield some_Tc.double() - first_1c[:, columns].double(), deviations_TRc

    def _windows(self, points: slice) -> Iterator[list[Tensor]]:
        """(1, c) the recorded path's begin, then (T, c) itself and each other at some points, in windows of the
        parameters. The next window is read while one is used."""
        begin, stop, _ = points.indices(self.shape.points)
        parts = [(self.recorded, self.recorded_shape, each) for each in (slice(0, 1), slice(begin + 1, stop + 1))]
        parts += [(name, self.shape, points) for name in self.others]
        width = max(64, _WINDOW_BYTES // (self.shape.dtype.itemsize * (stop - begin) * len(parts)))
        readings = itertools.cycle([[self.kept.reading(*part) for part in parts] for _ in range(2)])
        ahead: deque[list[Future[Tensor]]] = deque()
        with ThreadPoolExecutor(_READERS) as readers:
            for start, each in zip(range(0, self.shape.numbers, width), readings, strict=False):
                columns = slice(start, min(start + width, self.shape.numbers))
                ahead.append([readers.submit(read, columns) for read in each])
                if len(ahead) > 1:
                    yield [each.result() for each in ahead.popleft()]
            yield [each.result() for each in ahead.popleft()]


def products_of_ends(paths: Paths) -> Ends:
    """Inner products of the ways to all ends, from one pass over the last points alone."""
    count = len(paths.others)
    deviations_RR, along_R = torch.zeros((count, count), dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    recorded = torch.zeros((), dtype=torch.float64)
    for recorded_Tc, deviations_TRc in paths.blocks(slice(paths.shape.points - 1, paths.shape.points)):
        deviations_RR += deviations_TRc[0] @ deviations_TRc[0].T
        along_R += deviations_TRc[0] @ recorded_Tc[0]
        recorded += recorded_Tc[0] @ recorded_Tc[0]
    products = Products(deviations_RR[None].numpy(), along_R[None].numpy())
    ways_MM = np.full((count + 1, count + 1), recorded.item())
    ways_MM[0, 1:] = ways_MM[1:, 0] = along_R.numpy() + recorded.item()
    ways_MM[1:, 1:] = products.ways_TKK(np.array([recorded.item()]))[0]
    return Ends(ways_MM)


def products_of_paths(
    paths: Paths, groups: Mapping[str, slice], weights_AM: np.ndarray, vectors_VP: Tensor | None = None
) -> tuple[np.ndarray, dict[str, Products], np.ndarray, np.ndarray]:
    """The recorded way's length, squared, (T,); the products of each group of replicas; coordinates (M, T, A) of all
    ways along the axes that `weights_AM` make of the ends; and inner products (M, T, V) of all ways with the vectors.
    From one pass over all points."""
    points, count = paths.shape.points, len(paths.others)
    recorded_T = torch.zeros(points, dtype=torch.float64)
    gram = {
        name: torch.zeros((points, *2 * [each.stop - each.start]), dtype=torch.float64) for name, each in groups.items()
    }
    along_TR = torch.zeros((points, count), dtype=torch.float64)
    weights = torch.from_numpy(np.ascontiguousarray(weights_AM))
    coordinates_MTA = torch.zeros((count + 1, points, len(weights)), dtype=torch.float64)
    vectors_VP = torch.zeros((0, paths.shape.numbers), dtype=torch.float64) if vectors_VP is None else vectors_VP
    along_MTV = torch.zeros((count + 1, points, len(vectors_VP)), dtype=torch.float64)
    begin = 0
    for recorded_Tc, deviations_TRc in paths.blocks(slice(0, points)):
        recorded_T += (recorded_Tc * recorded_Tc).sum(1)
        for name, members in groups.items():
            some_TKc = deviations_TRc[:, members]
            gram[name] += some_TKc @ some_TKc.transpose(1, 2)
        ends_Mc = torch.cat((recorded_Tc[-1:], recorded_Tc[-1] + deviations_TRc[-1]))
        axes_Ac = weights @ ends_Mc
        # All that is asked along a few vectors in one product: each pass over the deviations takes time.
        vectors_TVc = torch.cat((recorded_Tc[:, None], axes_Ac.expand(points, *axes_Ac.shape)), 1)
        products_TRV = deviations_TRc @ vectors_TVc.transpose(1, 2)
        recorded_TA = recorded_Tc @ axes_Ac.T
        along_TR += products_TRV[:, :, 0]
        coordinates_MTA[0] += recorded_TA
        coordinates_MTA[1:] += (products_TRV[:, :, 1:] + recorded_TA[:, None]).transpose(0, 1)
        # By themselves, so that all else is the same to the bit whatever plane is chosen.
        vectors_Vc = vectors_VP[:, begin : begin + recorded_Tc.shape[1]]
        recorded_TV = recorded_Tc @ vectors_Vc.T
        along_MTV[0] += recorded_TV
        along_MTV[1:] += (deviations_TRc @ vectors_Vc.T + recorded_TV[:, None]).transpose(0, 1)
        begin += recorded_Tc.shape[1]
    along = along_TR.numpy()
    products = {name: Products(gram[name].numpy(), along[:, members]) for name, members in groups.items()}
    return recorded_T.numpy(), products, coordinates_MTA.numpy(), along_MTV.numpy()
