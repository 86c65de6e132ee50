"""What takes a parameter out of the loss: the functions at which a change of it ends.

The loss is computed twice in float64, with the parameter where it is and moved. Every function of torch that was given
something changed and gave back what it gave before is where the change ends; most of these have a name. Nothing is
read off the names of modules, so that a model may be written in any way.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.experiment.users_code import users_code
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.mode import FORM
from gradviz.landscape.replay.nesting import tensors_in
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem, Scalar
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.replay.stand_ins import DROPOUTS

_UNCHANGED = 1e-11
"""Of the largest number of a tensor: float64's rounding through some thousand terms."""


def named_reason(problem: Problem, scalar: Scalar, step: float) -> ZeroReason | None:
    """Where a change of this parameter by `step` ends at the checkpoint, if that has a name.

    None if it does not end, ends in several ways, or if the model's code takes another course for it. Costs two forward
    passes in float64, with one set of random numbers; the caller has run the loss before.
    """
    exact = problem.computed_in(torch.float64)
    model = PrivateModel(exact)
    model.module.requires_grad_(False)
    first = _Watch(Source(exact.own_seed, 0))
    second = _Watch(Source(exact.own_seed, 0), first.outputs)
    moved = model.tensors[scalar.name]
    with torch.no_grad():
        _run(exact, model, first)
        model.restore(always=True)
        moved[scalar.index] += step
        second.changed[id(moved)] = moved
        _run(exact, model, second)
    if second.has_left or len(second.outputs) != len(first.outputs):
        return None
    found = {name for name in map(_name, second.ends) if name is not None}
    return found.pop() if len(found) == 1 else None


def _run(problem: Problem, model: PrivateModel, watch: "_Watch") -> None:
    batch = model.copied_batch()
    with users_code("loss"), watch:
        mean_loss(problem.loss(model.module, batch))


@dataclass(frozen=True)
class _End:
    """A call that was given something changed and gave back what it gave before."""

    func: Any
    changed: tuple[int | str, ...]
    """Places or names of the arguments that were."""


class _Watch(Seeded):
    """Keeps what every call gives back, or compares it with what it gave before."""

    def __init__(self, source: Source, before: list[list[Tensor]] | None = None) -> None:
        super().__init__(source, exact=True)
        self.before, self.outputs = before, []
        self.changed: dict[int, Tensor] = {}  # by id; kept, so that no other tensor gets one of these ids
        self.ends: list[_End] = []
        self.has_left = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [*enumerate(args), *(kwargs or {}).items()]
        changed = tuple(place for place, value in given if any(id(t) in self.changed for t in tensors_in(value)))
        so_far = len(self.ends)
        result = super().__torch_function__(func, types, args, kwargs)
        outputs = list(tensors_in(result))
        call = len(self.outputs)
        self.outputs.append([tensor.detach().clone() for tensor in outputs] if self.before is None else [])
        if self.before is not None and not self.has_left:
            self._compare(_End(func, changed), outputs, call, so_far)
        return result

    def _compare(self, call: _End, outputs: list[Tensor], number: int, so_far: int) -> None:
        before = self.before[number] if self.before and number < len(self.before) else []
        if len(before) != len(outputs) or (call.changed and not outputs and call.func not in FORM):
            self.has_left = True  # for Python, which may do anything with it, or on another course
            return
        differ = [_differ(tensor, known) for tensor, known in zip(outputs, before, strict=True)]
        for tensor, is_changed in zip(outputs, differ, strict=True):
            self.changed.pop(id(tensor), None)
            if is_changed:
                self.changed[id(tensor)] = tensor
        if call.changed and outputs and not any(differ):
            if _name(call) is not None:
                del self.ends[so_far:]  # those within it, which its own name tells better
            self.ends.append(call)


def _differ(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return True
    if not (one.is_floating_point() or one.is_complex()):
        return not torch.equal(one, other)
    scale = other[other.isfinite()].abs().max().item() if other.isfinite().any() else 0.0
    return not torch.allclose(one, other, rtol=0.0, atol=_UNCHANGED * scale, equal_nan=True)


def _functions(names: str) -> set[Any]:
    """The functions of these names in torch, its tensors and torch.nn.functional, also those that write in place."""
    every = [name for each in names.split() for name in (each, f"{each}_")]
    return {getattr(place, name) for name in every for place in (torch, Tensor, F) if hasattr(place, name)}


_GATES = _functions(
    "relu relu6 threshold clamp clamp_min clamp_max hardtanh maximum minimum where max_pool2d max_pool1d"
)
_LOGITS = _functions("cross_entropy log_softmax nll_loss logsumexp")
_NAMES: dict[ZeroReason, set[Any]] = {
    ZeroReason.BATCH_STATISTICS: {F.batch_norm},
    ZeroReason.ROW_STATISTICS: {F.layer_norm, F.group_norm, F.instance_norm},
    ZeroReason.SOFTMAX: _functions("softmax"),
    ZeroReason.LOGITS: _LOGITS,
    ZeroReason.DEAD_UNIT: _GATES,
    ZeroReason.DROPPED: set(DROPOUTS),
}
_PRODUCTS = _functions("linear conv1d conv2d conv3d matmul addmm mm bmm") | {Tensor.__matmul__}


def _name(end: _End) -> ZeroReason | None:
    if end.func is F.scaled_dot_product_attention:
        return ZeroReason.KEYS if end.changed == (1,) else None
    if end.func is F.embedding:
        return ZeroReason.NOT_LOOKED_UP
    if end.func in _PRODUCTS and 0 not in end.changed:
        return ZeroReason.INPUT_IS_ZERO
    return next((name for name, functions in _NAMES.items() if end.func in functions), None)
