"""A problem replayed at points of a plane: one after the other, or tiles of them at once by `vmap`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch  # pyright: ignore[reportAttributeAccessIssue]
from torch.func import vmap

from gradviz.errors import UserError, shown
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.along import Along, Rooms
from gradviz.landscape.replay.axes import names_of
from gradviz.landscape.replay.channels import Held
from gradviz.landscape.replay.deriving import MEAN, Deriving
from gradviz.landscape.replay.known import MEMO_BYTES, Known
from gradviz.landscape.replay.memo import Memo
from gradviz.landscape.replay.mode import Replay
from gradviz.landscape.replay.moved import Moved
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem
from gradviz.landscape.replay.randomness import Source
from gradviz.landscape.scalar import Scalar

TILE_NUMBERS = {"cpu": 2**21, "cuda": 2**28}
"""Numbers of all tensors that a tile of the grid makes anew: few enough for a processor's caches, or so many that a GPU
is busy (1 GB in float32)."""

MOST_NUMBERS = {"cpu": 2**23, "cuda": 2**28}
"""The same for a tile that would otherwise have less than `FEW_POINTS`: what a call costs weighs more then."""

LARGEST_TILE, FEW_POINTS, SMALLEST_TILE = 441, 32, 4
"""Points: those of the default grid, and so few that `vmap` is slower than point after point."""


@dataclass(frozen=True)
class Probe:
    """What one point costs: `num_made` numbers are computed anew; `draws` are its masks (shape, p), None for another
    random function."""

    num_made: int
    draws: tuple[tuple[tuple[int, ...], float] | None, ...]


class Replayer:
    """A problem and a plane, above what is known of the problem. The last one made of `known` is the one to use.

    At each point it gives the loss and its derivatives by x and y: 3 numbers, or where `deriving` is of rows (3, B).
    """

    def __init__(
        self,
        known: Known,
        problem: Problem,
        plane: Plane,
        *,
        keeps_channels: bool = True,
        deriving: Deriving = MEAN,
        mode: Callable[..., Replay] = Replay,
    ) -> None:
        """`mode`: what makes the evaluation of a point."""
        self.known, self.problem, self.plane, self.keeps_channels = known, problem, plane, keeps_channels
        self.deriving, self._mode = deriving, mode
        known.batch(problem)  # made here, where no mode sees it
        self._moving = frozenset(name for axis in (plane.x, plane.y) for name in names_of(axis))
        self._bases = known.moving(self._moving)
        self._rooms = Rooms()

    def points(self, points: Sequence[int], probe: Probe | None = None) -> Tensor:
        """(len(points), 3) or (len(points), 3, B) float64 on the CPU, point after point."""
        return self._over_sets(points, self._one_by_one)

    def tiles(self, points: Sequence[int], probe: Probe) -> Tensor:
        """The same, with tiles of points at once; `CannotReplay` where that would be slower, by count."""
        return self._in_tiles(points, probe, self._around)

    def tiles_of_gradients(self, points: Sequence[int], probe: Probe) -> Tensor:
        """The same, for functions that `vmap` knows only within a gradient."""
        return self._in_tiles(points, probe, self.deriving.within)

    def _around(self, loss: Any, x: Tensor, y: Tensor, batched: Sequence[Tensor]) -> list[Tensor]:
        """By the graph of all points."""
        x, y = x.requires_grad_(), y.requires_grad_()
        return self.deriving.by_graph(vmap(loss)(x, y, *batched), (x, y))

    def points_of_a_tile(self, probe: Probe) -> int:
        """`CannotReplay` where a tile of so few would be slower, by count."""
        usual, most = (
            each.get(self.problem.device.type, each["cpu"]) // max(1, probe.num_made)
            for each in (TILE_NUMBERS, MOST_NUMBERS)
        )
        each = min(max(usual, min(most, FEW_POINTS)), LARGEST_TILE)
        if each < SMALLEST_TILE:
            raise CannotReplay(f"a point takes {probe.num_made:,} new numbers: one after the other is faster")
        return each

    def _in_tiles(self, points: Sequence[int], probe: Probe, derive: Any) -> Tensor:
        each = self.points_of_a_tile(probe)
        if probe.draws and self.problem.mode == "train" and self.problem.masks == "fresh":
            if None in probe.draws:
                raise CannotReplay("every point draws more than masks: one after the other")
            found = torch.cat([self._fresh_tile(tile, probe, derive) for tile in _cut(points, each)])
            self.known.memo.check()
            return found
        return self._over_sets(points, lambda own, memo, source: self._tiles(own, memo, source, each, derive))

    def probe(self) -> Probe:
        """What the first point makes of all that is known, which is looked up from then on."""
        memo, source = self.known.of_set(self.problem, self.problem.sets(0)[0])
        mode, _ = self._loss(memo, source, self._steps(0), derives=False)
        return Probe(mode.num_made, tuple(mode.draws))

    def _over_sets(self, points: Sequence[int], values: Any) -> Tensor:
        """The mean over the sets of random numbers; the points of a set are evaluated together."""
        of_set: dict[int, list[int]] = {}
        for place, point in enumerate(points):
            for number in self.problem.sets(point):
                of_set.setdefault(number, []).append(place)
        of_a_point = (3, self.problem.num_rows) if self.deriving.is_of_rows else (3,)
        total = torch.zeros((len(points), *of_a_point), dtype=torch.float64)
        for number, places in of_set.items():
            memo, source = self.known.of_set(self.problem, number)
            total[places] += values([points[place] for place in places], memo, source)
            memo.check()
        return total / len(self.problem.sets(0))

    def _one_by_one(self, points: Sequence[int], memo: Memo, source: Source) -> Tensor:
        results = []
        for point in points:
            between_tiles()
            results.append(torch.stack(self._loss(memo, source, self._steps(point), sees_closed_gates=True)[1]))
        return torch.stack(results).detach().double().cpu()

    def _tiles(self, points: Sequence[int], memo: Memo, source: Source, each: int, derive: Any) -> Tensor:
        if derive == self.deriving.within:  # what is known is looked up there: torch would take it for what is derived
            self._loss(memo, source, self._steps(points[0]), derives=False)

        def loss(x: Tensor, y: Tensor) -> Tensor:
            return self._loss(memo, source, (x, y), True)[1][0]

        return torch.cat([self._tile(tile, derive, loss) for tile in _cut(points, each)])

    def _fresh_tile(self, points: Sequence[int], probe: Probe, derive: Any) -> Tensor:
        """A tile whose points draw their own masks: drawn before, and batched as the steps are."""
        like = torch.empty((), dtype=self.problem.dtype, device=self.problem.device)
        masks = [[] for _ in probe.draws]
        for point in points:
            source = Source(self.problem.own_seed, point)
            for site, draw in enumerate(probe.draws):
                assert draw is not None
                shape, p = draw
                masks[site].append(source.gain(source.next_mask(shape), shape, p, like))
        memo = Memo(MEMO_BYTES, self.known.memo)
        return self._tile(
            points,
            derive,
            lambda x, y, *gains: self._loss(memo, _Given(gains, probe), (x, y), True)[1][0],
            *(torch.stack(site) for site in masks),
        )

    def _tile(self, points: Sequence[int], derive: Any, loss: Any, *batched: Tensor) -> Tensor:
        between_tiles()
        steps = torch.tensor([self.plane.at(point) for point in points], dtype=torch.float64)
        x, y = steps.to(self.problem.dtype).to(self.problem.device).unbind(1)
        try:
            with own_rules_only():
                found = derive(loss, x.clone(), y.clone(), batched)
        except (UserError, CannotReplay):
            raise
        except Exception as error:  # vmap refuses with errors of any class
            raise CannotReplay(_told(error)) from error
        return torch.stack(found, 1).detach().double().cpu()

    def _steps(self, point: int) -> list[Tensor]:
        own = {"dtype": self.problem.dtype, "device": self.problem.device, "requires_grad": True}
        return [torch.tensor(step, **own) for step in self.plane.at(point)]

    def _still(self, tensor: Tensor) -> Moved | Along:
        """A tensor that will move."""
        base = self._bases[id(tensor)]
        return Moved(base) if isinstance(self.plane.x, Scalar) else Along(base, self._rooms)

    def _loss(
        self,
        memo: Memo,
        source: Source,
        steps: Sequence[Tensor],
        batched: bool = False,
        sees_closed_gates: bool = False,
        derives: bool = True,
    ) -> tuple[Replay, list[Tensor]]:
        """One evaluation; point after point the derivatives follow the loss, by the steps alone. With
        `sees_closed_gates` a point may cost less than another one."""
        moves: dict[int, Any] = {}
        for axis, step in zip((self.plane.x, self.plane.y), steps, strict=True):
            for name in names_of(axis):
                tensor = self.known.model.tensors[name]
                moved = moves.get(id(tensor)) or moves.setdefault(id(tensor), self._still(tensor))
                moved.take(axis.index if isinstance(axis, Scalar) else self.known.part(axis, name), step)
        mode = self._mode(
            memo,
            moves,
            source,
            exact=self.problem.dtype == torch.float64,
            batched=batched,
            keeps_channels=self.keeps_channels,
            sees_closed_gates=sees_closed_gates,
            derives_twice=self.deriving.is_of_rows,
        )
        source.restart()
        try:
            with mode:
                losses = self.problem.loss(self.known.model.module, self.known.batch(self.problem))
                value = self.deriving.of_losses(losses, self.problem.num_rows)
                value = value.whole() if isinstance(value, Held) else value
                source.close()
                found = [value] if batched or not derives else self.deriving.by_graph(value, steps)
        except (UserError, CannotReplay):
            raise
        except Exception as error:  # the user's code may raise anything here; the loop runs it as it is
            raise CannotReplay(_told(error)) from error
        finally:
            self.known.model.restore()
        return mode, found


class _Given(Source):
    """Masks that were drawn before."""

    def __init__(self, gains: Sequence[Tensor], probe: Probe) -> None:
        super().__init__(0, 0)
        self._gains, self._draws = gains, probe.draws

    def restart(self) -> None:
        super().restart()
        self._next = 0

    def gain(self, start: int, shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
        if self._next >= len(self._draws) or self._draws[self._next] != (shape, p):
            raise CannotReplay("the masks that are drawn differ from point to point")
        self._next += 1
        return self._gains[self._next - 1]

    def next_call(self) -> int:
        raise CannotReplay("other random numbers than masks are drawn at some points")


def _told(error: Exception) -> str:
    return shown(f"{type(error).__name__}: {error}".split("\n")[0])


@contextmanager
def own_rules_only() -> Iterator[None]:
    """Where torch has no rule to do many at once, `vmap` fails: its loop over the points is slower than ours."""
    before = _functorch._is_vmap_fallback_enabled()
    _functorch._set_vmap_fallback_enabled(False)
    try:
        yield
    finally:
        _functorch._set_vmap_fallback_enabled(before)


def _cut(points: Sequence[int], each: int) -> Iterator[Sequence[int]]:
    return (points[start : start + each] for start in range(0, len(points), each))
