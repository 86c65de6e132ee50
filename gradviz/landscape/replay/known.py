"""What the planes of one problem share: private copies of model and minibatch, and what is known at the checkpoint.

A forward pass through what does not move is the same for every plane, so a further plane costs only what it moves.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from gradviz.experiment.batches import Batch, selected, tensors_of
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.replay.along import Part, part_of
from gradviz.landscape.replay.depending import Dependence, dependence_of
from gradviz.landscape.replay.loop import AtCentre, at_centre
from gradviz.landscape.replay.memo import Memo
from gradviz.landscape.replay.private import PrivateModel, in_own_containers, private_batch
from gradviz.landscape.replay.problem import CannotReplay, Problem
from gradviz.landscape.replay.randomness import Source
from gradviz.landscape.replay.unseeded import seen_drawing

MEMO_BYTES = 2**30
"""Limit of what is known in one precision; what does not fit is computed again at every point."""

SOME_ROWS = 8
"""Rows that stand for the minibatch where all of them would be slow: a slice is checked in float64."""


Parts = dict[tuple[int, str], tuple[Vector, Part]]
"""What directions do to tensors, by the id of a vector and the name of a tensor."""


class Known:
    """A problem's model in one precision with what is known of it. Not for several threads at once.

    `exact`: the parts of directions in float64, for all precisions.
    """

    def __init__(self, problem: Problem, exact: Parts | None = None) -> None:
        self.model = PrivateModel(problem)
        self.model.module.requires_grad_(False)
        self.memo = Memo(MEMO_BYTES)
        self._batches: dict[int, tuple[Problem, Batch]] = {}
        self._exact: Parts = {} if exact is None else exact
        self._parts: Parts = {}
        self._sets: dict[int, tuple[Memo, Source]] = {}
        for tensor in self.model.own_tensors():
            self.memo.name_own(tensor)

    def batch(self, problem: Problem) -> Batch:
        """The minibatch of `problem`, in containers that the loss may change."""
        if id(problem) not in self._batches:
            own = private_batch(problem)
            self._batches[id(problem)] = problem, own
            for tensor in tensors_of(own).values():
                self.memo.name_own(tensor)
        return in_own_containers(self._batches[id(problem)][1])

    def moving(self, names: Iterable[str]) -> dict[int, Tensor]:
        """Makes these parameters move: NaN in the module from now on, and their own values by their ids."""
        bases = self.model.hide(self.model.tensors[name] for name in names)
        for key, base in bases.items():
            if self.memo.number(base) is None:
                self.memo.name(base, self.memo.number_of(key))
        return bases

    def part(self, axis: Vector, name: str) -> Part:
        """What a direction does to a parameter, in this precision."""
        key = id(axis), name
        if key not in self._parts:
            if key not in self._exact:
                self._exact[key] = axis, part_of(axis.parts[name], axis.rank)
            part = self._exact[key][1].to(self.model.tensors[name])
            self._parts[key] = axis, part
            self.memo.name(part.whole)
        return self._parts[key][1]

    def of_set(self, problem: Problem, number: int) -> tuple[Memo, Source]:
        """What is known of `problem` with this set of random numbers; that of one set is kept."""
        kept = self._sets.get(id(problem))
        if kept is None or kept[1].number != number:
            kept = self._sets[id(problem)] = Memo(MEMO_BYTES, self.memo), Source(problem.own_seed, number)
        return kept

    def is_sound(self) -> bool:
        """Whether everything that is known is as it was."""
        try:
            for memo in (self.memo, *(memo for memo, _ in self._sets.values())):
                memo.check()
        except CannotReplay:
            return False
        return True

    @property
    def nbytes(self) -> int:
        return self.memo.nbytes + sum(memo.nbytes for memo, _ in self._sets.values())


class Prepared:
    """A problem with what its planes share. Not for several threads at once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._own = {problem.dtype: problem}
        self._known: dict[torch.dtype, Known] = {}
        self._exact: Parts = {}
        self._centres: dict[int, tuple[tuple[int, ...], AtCentre]] = {}
        self._dependence: Dependence | None = None

    def problem_in(self, dtype: torch.dtype) -> Problem:
        """The problem in another precision; always the same value, so that what is known of it is found."""
        if dtype not in self._own:
            self._own[dtype] = self.problem.computed_in(dtype)
        return self._own[dtype]

    @cached_property
    def some_rows(self) -> Problem:
        """The first rows of the minibatch as a problem of its own, in float64."""
        exact = self.problem_in(torch.float64)
        return replace(exact, batch=selected(exact.batch, slice(SOME_ROWS)))

    def centre(self, problem: Problem, point: int) -> AtCentre:
        """The plain loop's numbers of `problem` (`problem_in` or `some_rows`) at the checkpoint, which is `point` of a
        plane; those of one set are kept."""
        sets = tuple(problem.sets(point))
        kept = self._centres.get(id(problem))
        if kept is None or kept[0] != sets:
            found = seen_drawing(problem, lambda: at_centre(problem, sets))
            kept = self._centres[id(problem)] = sets, found
        return kept[1]

    def dependence(self) -> Dependence:
        """What its rows depend on, whatever the plane."""
        if self._dependence is None:
            self._dependence = seen_drawing(self.problem, lambda: dependence_of(self.problem))
        return self._dependence

    def knows_centre(self, problem: Problem) -> bool:
        return id(problem) in self._centres

    def known(self, dtype: torch.dtype) -> Known:
        if dtype not in self._known:
            self._known[dtype] = Known(self.problem_in(dtype), self._exact)
        return self._known[dtype]

    def forget(self, *, everything: bool) -> None:
        """Forgets what is known where a forward pass has changed it, or everything because it may be wrong."""
        self._known = {d: known for d, known in self._known.items() if not everything and known.is_sound()}

    def forget_checks(self) -> None:
        """Forgets what the check of a way takes, and further points of the same plane do not."""
        self._centres.clear()
        self._known = {dtype: known for dtype, known in self._known.items() if dtype == self.problem.dtype}

    @property
    def nbytes(self) -> int:
        centres = sum(found.nbytes for _, found in self._centres.values())
        return centres + sum(known.nbytes for known in self._known.values())
