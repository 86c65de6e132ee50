"""What gates take at grid points, with only that computed which the moved parameters reach.

Where they reach some channels of what a gate takes, only these are looked at. All others take what they take at the
checkpoint.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from gradviz.landscape.per_row.gating import Gating, gating
from gradviz.landscape.per_row.watching import OtherCourse, Survey
from gradviz.landscape.replay.channels import Channels, Held
from gradviz.landscape.replay.deriving import Deriving
from gradviz.landscape.replay.evaluating import Replayer
from gradviz.landscape.replay.known import Known
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.mode import Replay
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem

# Shape suffix: E = all gates of a site.


_Form = Literal["known", "whole"] | tuple[int, tuple[tuple[int, int], ...]]
"""What of a gate's tensor may change: nothing, all, or along an axis these channels, by start and length."""


class ReplayedForward:
    """As `Forward`; `CannotReplay` where a forward pass cannot be replayed."""

    def __init__(self, problem: Problem, plane: Plane, survey: Survey) -> None:
        self.problem, self.plane = problem, plane
        self._gates = _Gates(survey)
        one_set = replace(problem, masks="frozen")
        mode = partial(_Watching, self._gates)
        self._replayer = Replayer(Known(one_set), one_set, plane, deriving=_NOTHING, mode=mode)

    def gates(self, point: int, survey: Survey) -> list[Tensor]:
        """As `Forward.gates`; to be read before the next call."""
        self._gates.begin()
        self._replayer.points([point])
        return self._gates.all()

    def moving(self, survey: Survey) -> list[Tensor]:
        """As `Forward.moving`, once a point has been looked at: those that the moved parameters reach."""
        return self._gates.moving()


class _Gates:
    """What the gates of each site take: at the checkpoint, until something else is seen."""

    def __init__(self, survey: Survey) -> None:
        self._shapes = [site.shape for site in survey.sites]
        self._taken_E = {k: survey.sites[k].gates_E.clone() for k in survey.of_rows}
        self._forms: dict[int, _Form] = {}
        self._next = 0

    def begin(self) -> None:
        self._next = 0

    def all(self) -> list[Tensor]:
        if self._next != len(self._shapes):
            raise OtherCourse
        return list(self._taken_E.values())

    def moving(self) -> list[Tensor]:
        return [_elements(self._shapes[site], self._forms[site]) for site in self._taken_E]

    def look(self, seen: Gating, mode: Replay) -> None:
        """At one call, in the order in which the survey has seen them."""
        for limit in seen.limits:
            site = self._next
            self._next += 1
            if site >= len(self._shapes):
                raise OtherCourse
            if site in self._taken_E:
                self._keep(site, seen.taken, limit, mode)

    def _keep(self, site: int, taken: Tensor, limit: Any, mode: Replay) -> None:
        form: _Form = "known"
        if isinstance(taken, Channels) and not isinstance(limit, Tensor):
            form = taken.axis, tuple(part[:2] for part in taken.parts)
            own = self._of_shape(site, taken.shape)
            for start, length, value in taken.parts:
                own.narrow(taken.axis, start, length).copy_(Gating.less(value, limit))
        elif not (mode.is_known(taken) and (not isinstance(limit, Tensor) or mode.is_known(limit))):
            form = "whole"
            gates = Gating.less(_whole(taken, mode), _whole(limit, mode))
            self._of_shape(site, gates.shape).copy_(gates)
        if self._forms.setdefault(site, form) != form:
            raise CannotReplay("what a gate takes is known at some points alone")

    def _of_shape(self, site: int, shape: Sequence[int]) -> Tensor:
        if tuple(shape) != self._shapes[site]:
            raise OtherCourse
        return self._taken_E[site].view(self._shapes[site])


def _elements(shape: Sequence[int], form: _Form) -> Tensor:
    if form == "known":
        return torch.zeros(0, dtype=torch.int64)
    every = torch.arange(math.prod(shape))
    if isinstance(form, str):
        return every
    axis, parts = form
    return torch.cat([every.view(*shape).narrow(axis, start, length).flatten() for start, length in parts])


def _whole(value: Any, mode: Replay) -> Any:
    if isinstance(value, Held):
        return value.whole()
    return value if not isinstance(value, Tensor) or mode.moved(value) is None else mode._at_point(value)


class _Watching(Replay):
    """An evaluation whose gating calls are looked at."""

    def __init__(self, gates: _Gates, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gates = gates

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        seen = gating(func, self._current(tuple(args)), self._current(kwargs))
        if seen is not None:
            with torch.no_grad():
                self._gates.look(seen, self)
        return super()._run(func, args, kwargs)


_NOTHING = Deriving(
    lambda losses, num_rows: mean_loss(losses), lambda value, steps: [value.detach()], lambda *_: [], is_of_rows=False
)
"""The loss alone."""
