"""Where a layer of any network is gated: the ReLU that its output goes to, through norms and sums, and how often each
unit passes it.

A forward pass is followed call by call. What a layer's own parameters compute belongs to it; norms, sums, pooling and
dropout hand it on, a ReLU gates it, anything else ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from gradviz.errors import UserError
from gradviz.experiment.batches import selected
from gradviz.experiment.users_code import same_randomness, users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.nesting import tensors_in
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: B = rows of a minibatch, N = units of a layer.


@dataclass
class Gated:
    """What was seen of one layer. `active_N`: the share of rows and positions at which each unit is above 0 behind its
    ReLU, in eval mode; None where no ReLU follows. `norm`: a tensor of the first norm that follows."""

    counts_N: Tensor | None = None
    places: int = 0
    norm: str | None = None
    rows_BN: Tensor | None = None
    """Of the last minibatch, whose rows are taken to be in the first axis: on which of them each unit is above 0 behind
    its ReLU, at any position."""
    is_transposed: bool = False
    """Whether its weights have the units in their second axis."""

    @property
    def active_N(self) -> Tensor | None:
        return None if self.counts_N is None else self.counts_N / self.places


def gated(problems: Sequence[Problem], tensors: Iterable[str]) -> Gated:
    """The layer with these parameters, over the minibatches of all problems: one model. Costs a forward pass each."""
    found = Gated()
    with undisturbed(), torch.no_grad(), same_randomness():
        for problem in problems:
            between_tiles()
            found.rows_BN = None
            model = PrivateModel(problem)
            model.module.eval()
            names = {id(tensor): name for name, tensor in model.tensors.items()}
            own = {id(model.tensors[name]) for name in tensors}
            with users_code("loss"), _Following(found, own, names):
                problem.loss(model.module, model.batch)
    return found


def active_rows(problem: Problem, tensor: str, index: Sequence[int], layer: Iterable[str]) -> Tensor | None:
    """(B,) bool: on which rows the unit of a parameter of the layer with these tensors is active, in eval mode.

    None where no ReLU follows, or where what it returns does not hold the rows in its first axis, which one more row
    shows. Costs two forward passes.
    """
    own, layer = problem.num_rows, list(layer)
    one_more = selected(problem.batch, torch.tensor([*range(own), own - 1], device=problem.device))
    found = gated([problem], layer)
    unit_axis = 1 if found.is_transposed and len(index) > 1 else 0
    try:
        beside = gated([replace(problem, batch=one_more)], layer)
    except UserError:  # made for so many rows
        return None
    if found.rows_BN is None or beside.rows_BN is None or (len(found.rows_BN), len(beside.rows_BN)) != (own, own + 1):
        return None
    num_units = found.rows_BN.shape[1]
    if problem.model.get_parameter(tensor).shape[unit_axis] != num_units:  # convolved in groups, or shared
        return None
    return found.rows_BN[:, index[unit_axis]]


@dataclass(frozen=True)
class _Mark:
    """A tensor of the layer's units, along this axis."""

    axis: int
    width: int


@dataclass(eq=False)
class _Following(TorchFunctionMode):
    found: Gated
    own: set[int]
    names: Mapping[int, str]
    marks: Any = field(default_factory=WeakIdKeyDictionary)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inputs = list(tensors_in((args, kwargs)))
        mark = next((self.marks[each] for each in inputs if each in self.marks), None)
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            return result
        if func in _AXES:
            if any(id(each) in self.own for each in inputs):
                self.found.is_transposed = func in _TRANSPOSED
                self._put(_Mark(_AXES[func], result.shape[_AXES[func]]), result)
            elif mark is not None and func in _NORMS:
                known = (self.names.get(id(each)) for each in inputs)
                self.found.norm = self.found.norm or next((name for name in known if name is not None), None)
                self._put(mark, result)
            else:
                self.marks.pop(result, None)
        elif mark is not None and _gates(func, args, kwargs):
            self.marks.pop(result, None)
            self._count(mark, result)
        elif mark is not None and func in _HANDED_ON:
            self._put(mark, result)
        elif mark is not None:
            self.marks.pop(result, None)  # where something else has changed it in place
        return result

    def _put(self, mark: _Mark, result: Tensor) -> None:
        if -mark.axis <= result.ndim and mark.axis < result.ndim and result.shape[mark.axis] == mark.width:
            self.marks[result] = mark

    def _count(self, mark: _Mark, result: Tensor) -> None:
        axis = mark.axis % result.ndim
        counts_N = (result > 0).transpose(0, axis).flatten(1).sum(1).double()
        if self.found.counts_N is None or len(self.found.counts_N) == len(counts_N):
            known = self.found.counts_N
            self.found.counts_N = counts_N if known is None else known + counts_N
            self.found.places += result.numel() // len(counts_N)
            self._note_rows(result, axis)

    def _note_rows(self, result: Tensor, axis: int) -> None:
        if axis == 0:
            return
        active_BN = (result > 0).movedim(axis, 1).flatten(2).any(2) if result.ndim > 2 else result > 0
        known = self.found.rows_BN
        self.found.rows_BN = active_BN if known is None or known.shape != active_BN.shape else known | active_BN


def _gates(func: Any, args: Any, kwargs: Any) -> bool:
    if func in _RELUS:
        return True
    if func in _LIMITS:
        least = kwargs.get(_LIMITS[func], args[1] if len(args) > 1 else None)
        return isinstance(least, int | float) and least == 0
    if func in _LARGER:
        other = kwargs.get("other", args[1] if len(args) > 1 else None)
        return isinstance(other, Tensor) and not bool(other.any())
    return False


_NORMS: dict[Any, int] = {F.batch_norm: 1, F.instance_norm: 1, F.group_norm: 1, F.layer_norm: -1, F.rms_norm: -1}
_TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
_CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d, *_TRANSPOSED)
_AXES: dict[Any, int] = {F.linear: -1, F.bilinear: -1, **dict.fromkeys(_CONVOLUTIONS, 1), **_NORMS}
"""Functions of a layer's parameters, with the axis of its units in what they return."""
_RELUS = {F.relu, F.relu6, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
_CLAMPS = (torch.clamp, torch.clamp_, torch.clamp_min, torch.clamp_min_, torch.clip, Tensor.clamp, Tensor.clamp_)
_CLAMPS = (*_CLAMPS, Tensor.clamp_min, Tensor.clamp_min_, Tensor.clip)
_LIMITS: dict[Any, str] = {**dict.fromkeys(_CLAMPS, "min"), F.hardtanh: "min_val"}
"""What cuts off below a limit, with the limit's name; it is the second argument."""
_LARGER = {torch.maximum, torch.max, Tensor.maximum, Tensor.max, torch.fmax, Tensor.fmax}
_SUMS = {torch.add, torch.sub, Tensor.add, Tensor.add_, Tensor.sub, Tensor.sub_}
_POOLS = {F.max_pool1d, F.max_pool2d, F.max_pool3d, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d}
_POOLS |= {torch.max_pool1d, torch.max_pool2d, torch.max_pool3d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d}
_DROPOUTS = {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, torch.dropout, F.alpha_dropout}
_COPIES = {Tensor.contiguous, Tensor.clone, torch.clone, Tensor.to, Tensor.float, Tensor.double, Tensor.detach}
_HANDED_ON = _SUMS | _POOLS | _DROPOUTS | _COPIES
