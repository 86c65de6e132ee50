"""Forward passes of any network whose gates are watched: what gating functions take, and to which rows it belongs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from gradviz.experiment.batches import selected, tensors_of
from gradviz.experiment.users_code import users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.per_row.gating import gating, is_comparison, is_of_residuals, unseen
from gradviz.landscape.per_row.net import RESIDUAL
from gradviz.landscape.replay.axes import move
from gradviz.landscape.replay.in_place import is_in_place
from gradviz.landscape.replay.loop import differentiable, mean_loss, renew
from gradviz.landscape.replay.nesting import tensors_in
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.replay.randomness import Seeded, Source

# Shape suffixes: B = rows of the minibatch, E = all gates of a site, S = some of them.

_MOST_TRIED = 3
"""Rows that are put in another's place, to see what belongs to it: it may be their equal."""


class OtherCourse(Exception):
    """A forward pass has other gates than that at the checkpoint."""


@dataclass(frozen=True)
class Seen:
    """A gating call: its name, and what it takes, flat."""

    name: str
    gates_E: Tensor
    shape: tuple[int, ...]
    is_of_rows: bool
    """Whether it was computed from the minibatch, or from parameters alone."""

    @property
    def numel(self) -> int:
        return self.gates_E.numel()


@dataclass(frozen=True)
class View:
    """A flat tensor as (outer, B, inner): the middle axis is that of the rows."""

    inner: int

    def rows_and_units(self, elements_S: np.ndarray, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        outer, rest = np.divmod(elements_S, num_rows * self.inner)
        rows, inner = np.divmod(rest, self.inner)
        return rows, outer * self.inner + inner


def _views(shape: Sequence[int], num_rows: int) -> list[View]:
    """All ways in which a tensor of this shape may hold the rows, the usual ones first: in its first axis, alone or
    before positions; in another axis; in the first one, behind positions."""
    inners, numel = [], int(np.prod(shape))
    if shape and shape[0] % num_rows == 0:
        inners.append(numel // num_rows)
    inners += [int(np.prod(shape[axis + 1 :])) for axis, size in enumerate(shape) if size == num_rows]
    if shape and shape[0] % num_rows == 0:
        inners.append(numel // shape[0])
    return [View(inner) for inner in dict.fromkeys(inners)]


@dataclass
class Survey:
    """What a forward pass at the checkpoint has shown. `of_rows`: the sites whose gates belong to rows, by number, and
    how they do."""

    sites: list[Seen]
    of_rows: dict[int, View]
    draws: bool
    unseen: list[str]

    def note(self, why_none: str = "") -> str:
        """What must be said of the lines, or why there are none."""
        parts = [why_none] if why_none else []
        winning = [name for name in self.unseen if not is_comparison(name)]
        comparing = [name for name in self.unseen if is_comparison(name)]
        parts += [f"Not looked at: which input wins in {', '.join(winning)}."] if winning else []
        parts += [f"Not looked at: what follows from the comparison {', '.join(comparing)}."] if comparing else []
        return " ".join(parts)


def survey_of(forward: "Forward") -> Survey:
    watch = forward.run(None)
    sites = watch.seen
    views = [_views(site.shape, forward.problem.num_rows) if site.is_of_rows else [] for site in sites]
    replaced = _replaced(forward, sites) if any(views) else [None] * len(sites)
    of_rows = {}
    for k, (own, changed_E) in enumerate(zip(views, replaced, strict=True)):
        view = _view_of(own, changed_E, forward.problem.num_rows)
        if view is not None:
            of_rows[k] = view
    source = watch.source
    return Survey(sites, of_rows, bool(source.position or source.call), list(dict.fromkeys(watch.unseen)))


def _view_of(views: Sequence[View], changed_E: Tensor | None, num_rows: int) -> View | None:
    """The first way in which only the last row has changed; `changed_E` is None if that is not known."""
    changed = np.zeros(0, np.int64) if changed_E is None else torch.nonzero(changed_E)[:, 0].cpu().numpy()
    return next((v for v in views if all(v.rows_and_units(changed, num_rows)[0] == num_rows - 1)), None)


def _replaced(forward: "Forward", sites: Sequence[Seen]) -> Sequence[Tensor | None]:
    """Which gates change at the checkpoint, in eval mode, where the last row is replaced by another; None for all if
    that cannot be told."""
    num_rows = forward.problem.num_rows
    unknown = [None] * len(sites)
    if num_rows == 1:
        return unknown
    with forward.in_eval_mode():
        own = forward.run(None).seen
        for other in range(min(num_rows - 1, _MOST_TRIED)):
            numbers = torch.arange(num_rows)
            numbers[-1] = other
            seen = forward.run(None, numbers).seen
            if [site.shape for site in seen] != [site.shape for site in sites] or len(own) != len(sites):
                return unknown
            changed = [a.gates_E != b.gates_E for a, b in zip(own, seen, strict=True)]
            if any(bool(each.any()) for each in changed):
                return changed
    return unknown


class Forward:
    """Forward passes of a problem on a plane, whose gates are watched."""

    def __init__(self, problem: Problem, plane: Plane) -> None:
        self.problem, self.plane = problem, plane
        self._model = differentiable(problem)
        self._within: list[str] = []
        self._is_new = True
        for name, module in self._model.module.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):
                _follow(module, name, self._within)

    def gates(self, point: int, survey: Survey) -> list[Tensor]:
        """What the gates take at a grid point, (E,) for each site of `survey` whose gates belong to rows."""
        seen = self.run(point).seen
        if [each.shape for each in seen] != [each.shape for each in survey.sites]:
            raise OtherCourse
        return [seen[k].gates_E for k in survey.of_rows]

    def moving(self, survey: Survey) -> list[Tensor]:
        """The elements of each site that may take another value at another point: all."""
        return [torch.arange(survey.sites[k].numel) for k in survey.of_rows]

    def run(self, point: int | None, rows: Tensor | None = None) -> "_Watch":
        """A forward pass at a grid point, or at the checkpoint, with these of the rows."""
        between_tiles()
        if not self._is_new:
            renew(self._model)
        self._is_new = False
        if point is not None:
            with torch.no_grad():
                for axis, step in zip((self.plane.x, self.plane.y), self.plane.at(point), strict=True):
                    move(self._model.tensors, axis, step)
        source = Source(self.problem.own_seed, 0)
        batch = self._model.copied_batch()
        batch = batch if rows is None else selected(batch, rows.to(self.problem.device))
        of_rows = tensors_of(batch).values() if point is None else ()
        watch = _Watch(source, self._within, of_rows, exact=self.problem.dtype == torch.float64)
        self._within.clear()
        with users_code("loss"), watch:
            mean_loss(self.problem.loss(self._model.module, batch))
        return watch

    @contextmanager
    def in_eval_mode(self) -> Iterator[None]:
        was_training = [module.training for module in self._model.module.modules()]
        self._model.module.eval()
        try:
            yield
        finally:
            for module, training in zip(self._model.module.modules(), was_training, strict=True):
                module.training = training


def _follow(module: nn.Module, name: str, within: list[str]) -> None:
    """Keeps the names of the modules whose forward passes are under way, the innermost last."""

    def begin(*_: Any) -> None:
        within.append(name)

    def end(*_: Any) -> None:
        if within:
            within.pop()

    module.register_forward_pre_hook(begin)
    module.register_forward_hook(end)


class _Watch(Seeded):
    """Keeps what gating functions take. `of_rows`: the tensors that were computed from the minibatch, at first its
    own."""

    def __init__(self, source: Source, within: Sequence[str], of_rows: Iterable[Tensor], *, exact: bool) -> None:
        super().__init__(source, exact=exact)
        self.seen: list[Seen] = []
        self.unseen: list[str] = []
        self._within = within
        self._of_rows: Any = WeakIdKeyDictionary(dict.fromkeys(of_rows, True))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        is_of_rows = any(each in self._of_rows for each in tensors_in((args, kwargs)))
        found = gating(func, args, kwargs)
        with torch.no_grad():
            for gates in found.quantities() if found else ():
                gates = gates.to(torch.float64) if self.exact else gates
                self.seen.append(Seen(self._name(func), gates.flatten().clone(), tuple(gates.shape), is_of_rows))
        if is_of_rows and unseen(func, args, kwargs):
            self.unseen.append(func.__name__.removeprefix("_"))
        result = super().__torch_function__(func, types, args, kwargs)
        if is_of_rows:
            for each in tensors_in((result, args[:1] if is_in_place(func, kwargs) else ())):
                self._of_rows[each] = True
        return result

    def _name(self, func: Any) -> str:
        if not self._within:
            return RESIDUAL if is_of_residuals(func) else func.__name__
        return ": ".join(part for part in (self._within[-1], func.__name__) if part)
