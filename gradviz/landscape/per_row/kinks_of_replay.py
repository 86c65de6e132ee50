"""The kinks of any network: its forward pass runs at every grid point, and what its gating functions take is watched.

A first run over the grid keeps one bit for each side of every gate: on which sides it has been. A second one keeps the
values of those gates alone that switch, two grid rows at a time.
"""

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
from gradviz.landscape.per_row.gating import is_of_residuals, quantities, unseen
from gradviz.landscape.per_row.net import RESIDUAL, Kinks, Net, Site
from gradviz.landscape.replay.axes import move
from gradviz.landscape.replay.in_place import is_in_place
from gradviz.landscape.replay.loop import differentiable, mean_loss, renew
from gradviz.landscape.replay.nesting import tensors_in
from gradviz.landscape.replay.problem import Plane, Problem, check_plane
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: Y/X = grid rows/columns, B = rows of the minibatch, E = all gates of a site, S = those that switch.

SMOOTH = "No function of this network or loss has a derivative that jumps, so there are no lines."
OTHER_COURSE = "The forward pass takes another course at some grid points, so no lines can be drawn."
MIXED = "No gate belongs to one row alone, so there are no lines of rows."


def kinks_of_replay(problem: Problem, plane: Plane, wanted: range, limit: int) -> Kinks | None:
    """As `kinks`; None if every grid point has masks of its own, or several sets."""
    check_plane(problem, plane)
    with undisturbed(problem.model), torch.enable_grad():
        forward = _Forward(problem, plane)
        survey = _survey(forward)
        if survey.draws and problem.mode == "train" and problem.masks != "frozen":
            return None
        if not survey.sites:
            return Kinks.none(len(wanted), survey.note(SMOOTH))
        if not survey.of_rows:
            return Kinks.none(len(wanted), survey.note(MIXED))
        try:
            return _traced(forward, survey, wanted, limit).kinks(survey.note(""))
        except _OtherCourse:
            return Kinks.none(len(wanted), survey.note(OTHER_COURSE))


def _traced(forward: "_Forward", survey: "_Survey", wanted: range, limit: int) -> Net:
    plane, num_rows = forward.plane, forward.problem.num_rows
    of_rows, views = list(survey.of_rows), list(survey.of_rows.values())
    sites = [Site(survey.sites[k].name, survey.sites[k].numel // num_rows) for k in of_rows]
    net = Net(sites, wanted, plane, limit)
    found = _switching(forward, survey)
    places = [view.rows_and_units(each.cpu().numpy(), num_rows) for view, each in zip(views, found, strict=True)]
    kept = net.expect([(k, *place) for k, place in enumerate(places)])
    found = [each[torch.from_numpy(own).to(each.device)] for each, own in zip(found, kept, strict=True)]
    places = [(rows[own], units[own]) for (rows, units), own in zip(places, kept, strict=True)]
    if not any(len(each) for each in found):
        return net
    above: list[np.ndarray] = []
    for row in range(plane.points):
        points = range(row * plane.points, (row + 1) * plane.points)
        taken = [
            [gates_E[each] for gates_E, each in zip(forward.gates(point, survey), found, strict=True)]
            for point in points
        ]
        below = [torch.stack(column).cpu().numpy() for column in zip(*taken, strict=True)]
        for k, (one, other) in enumerate(zip(above, below, strict=True) if above else ()):
            net.add(k, *places[k], np.stack([one, other]), (row - 1, 0))
        above = below
    return net


def _switching(forward: "_Forward", survey: "_Survey") -> list[Tensor]:
    """The elements (S,) of each site that are on both sides, at different points."""
    opened: list[Tensor] = []
    closed: list[Tensor] = []
    for point in range(forward.plane.points**2):
        sides = [gates_E > 0 for gates_E in forward.gates(point, survey)]
        opened = [a | b for a, b in zip(opened, sides, strict=True)] if opened else sides
        others = [~side for side in sides]
        closed = [a | b for a, b in zip(closed, others, strict=True)] if closed else others
    return [torch.nonzero(a & b)[:, 0] for a, b in zip(opened, closed, strict=True)]


class _OtherCourse(Exception):
    """A forward pass has other gates than that at the checkpoint."""


@dataclass(frozen=True)
class _Seen:
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
class _View:
    """A flat tensor as (outer, B, inner): the middle axis is that of the rows."""

    inner: int

    def rows_and_units(self, elements_S: np.ndarray, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        outer, rest = np.divmod(elements_S, num_rows * self.inner)
        rows, inner = np.divmod(rest, self.inner)
        return rows, outer * self.inner + inner


def _views(shape: Sequence[int], num_rows: int) -> list[_View]:
    """All ways in which a tensor of this shape may hold the rows, the usual ones first: in its first axis, alone or
    before positions; in another axis; in the first one, behind positions."""
    inners, numel = [], int(np.prod(shape))
    if shape and shape[0] % num_rows == 0:
        inners.append(numel // num_rows)
    inners += [int(np.prod(shape[axis + 1 :])) for axis, size in enumerate(shape) if size == num_rows]
    if shape and shape[0] % num_rows == 0:
        inners.append(numel // shape[0])
    return [_View(inner) for inner in dict.fromkeys(inners)]


@dataclass
class _Survey:
    """What a forward pass at the checkpoint has shown. `of_rows`: the sites whose gates belong to rows, by number, and
    how they do."""

    sites: list[_Seen]
    of_rows: dict[int, _View]
    draws: bool
    unseen: list[str]

    def note(self, why_none: str) -> str:
        parts = [why_none] if why_none else []
        if self.unseen:
            parts.append(f"Not looked at: which input wins in {', '.join(self.unseen)}.")
        return " ".join(parts)


def _survey(forward: "_Forward") -> _Survey:
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
    return _Survey(sites, of_rows, bool(source.position or source.call), list(dict.fromkeys(watch.unseen)))


def _view_of(views: Sequence[_View], changed_E: Tensor | None, num_rows: int) -> _View | None:
    """The first way in which only the last row has changed; `changed_E` is None if that is not known."""
    changed = np.zeros(0, np.int64) if changed_E is None else torch.nonzero(changed_E)[:, 0].cpu().numpy()
    return next((v for v in views if all(v.rows_and_units(changed, num_rows)[0] == num_rows - 1)), None)


def _replaced(forward: "_Forward", sites: Sequence[_Seen]) -> Sequence[Tensor | None]:
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


_MOST_TRIED = 3


class _Forward:
    """Forward passes of a problem on a plane, whose gates are watched."""

    def __init__(self, problem: Problem, plane: Plane) -> None:
        self.problem, self.plane = problem, plane
        self._model = differentiable(problem)
        self._within: list[str] = []
        self._is_new = True
        for name, module in self._model.module.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):
                _follow(module, name, self._within)

    def gates(self, point: int, survey: _Survey) -> Iterator[Tensor]:
        """What the gates take at a grid point, (E,) for each site of `survey` whose gates belong to rows."""
        seen = self.run(point).seen
        if [each.shape for each in seen] != [each.shape for each in survey.sites]:
            raise _OtherCourse
        return (seen[k].gates_E for k in survey.of_rows)

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
        self.seen: list[_Seen] = []
        self.unseen: list[str] = []
        self._within = within
        self._of_rows: Any = WeakIdKeyDictionary(dict.fromkeys(of_rows, True))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        is_of_rows = any(each in self._of_rows for each in tensors_in((args, kwargs)))
        with torch.no_grad():
            for gates in quantities(func, args, kwargs):
                name = self._name(func)
                gates = gates.to(torch.float64) if self.exact else gates
                self.seen.append(_Seen(name, gates.detach().flatten().clone(), tuple(gates.shape), is_of_rows))
        passed_over = unseen(func, args, kwargs)
        if passed_over is not None:
            self.unseen.append(passed_over)
        result = super().__torch_function__(func, types, args, kwargs)
        if is_of_rows:
            for each in tensors_in((result, args[:1] if is_in_place(func, kwargs) else ())):
                self._of_rows[each] = True
        return result

    def _name(self, func: Any) -> str:
        if not self._within:
            return RESIDUAL if is_of_residuals(func) else func.__name__
        return ": ".join(part for part in (self._within[-1], func.__name__) if part)
