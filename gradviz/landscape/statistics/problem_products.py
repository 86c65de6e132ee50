"""Agreement and cosines of the minibatches of any network: the statistics of inner products, from backward passes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gradviz.errors import UserError, shown
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import check_scalar
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.agreement import Agreement, agreement_of, cosines
from gradviz.landscape.statistics.inner_products import ENTRIES_AT_ONCE, InnerProducts, inner_products_of, sum_of
from gradviz.landscape.statistics.problem_gradients import Block, Piece, gradient_blocks, parameters_of, whole

# Shape suffixes: K = minibatches, P = parameters.

MODEL = "model"
"""The part of all parameters, whatever a module may be called."""
ITSELF = "."
"""The part of the parameters that the model holds outside its modules, none of which can have this name."""

ScalarPair = tuple[Scalar, Scalar]


def parts_of_model(model: nn.Module) -> dict[str, list[str]]:
    """Names of the parts and the tensors of each: `model`, each module that holds parameters, `.`, each tensor.

    Tied parameters count once in each part, under their first name.
    """
    first = {id(tensor): name for name, tensor in parameters_of(model).items()}

    def tensors(module: nn.Module, *, inside: bool = True) -> list[str]:
        found = (first.get(id(tensor)) for tensor in module.parameters(recurse=inside))
        return list(dict.fromkeys(name for name in found if name is not None))

    modules = {name: tensors(module) for name, module in model.named_modules() if name}
    modules[ITSELF] = tensors(model, inside=False)
    every = model.named_parameters(remove_duplicate=False)
    own = {name: [first[id(tensor)]] for name, tensor in every if id(tensor) in first}
    return {name: held for name, held in modules.items() if held} | own | {MODEL: list(first.values())}


def tensors_of_parts(model: nn.Module, names: Sequence[str]) -> dict[str, list[str]]:
    """The tensors of each of these parts of `parts_of_model`; `UserError` for one that the model lacks."""
    available = parts_of_model(model)
    unknown = [name for name in names if name not in available]
    if unknown:
        told = ", ".join([MODEL, *available][:12])
        raise UserError(f"`{shown(unknown[0])}` is no part of this model; it has {told}, …")
    return {name: available[name] for name in names}


def pair_name_of(pair: ScalarPair) -> str:
    """The part made of two scalar parameters."""
    return " & ".join(map(str, pair))


def problem_products(
    problems: Sequence[Problem],
    *,
    parts: Sequence[str] | None = None,
    pairs: Sequence[ScalarPair] = (),
    is_judged: bool = True,
) -> dict[str, InnerProducts]:
    """The inner products of the gradients of all problems: one model at several minibatches, as `gradient_blocks`.

    `parts`: of `parts_of_model`, by default all. `UserError` for a part or parameter that the model lacks. Costs the
    passes of `gradient_blocks`, and 6 K² operations for each parameter of the parts.
    """
    model = problems[0].model
    available, parameters = parts_of_model(model), parameters_of(model)
    names = [MODEL, *(name for name in available if name != MODEL)] if parts is None else list(dict.fromkeys(parts))
    tensors = list(dict.fromkeys(tensor for own in tensors_of_parts(model, names).values() for tensor in own))
    entries = {pair: [_entry_of(scalar, available, model) for scalar in pair] for pair in pairs}
    alone = [entry for both in entries.values() for entry in both if entry.name not in tensors]
    wanted = [whole(name, parameters[name]) for name in tensors]
    wanted += dict.fromkeys(Piece(entry.name, entry.unit, entry.unit + 1) for entry in alone)
    by_tensor: dict[str, InnerProducts] = {}
    columns: dict[_Entry, Tensor] = {}
    for block in gradient_blocks(problems, wanted, is_judged=is_judged):
        name = block.piece.name
        if name in tensors:
            found = _products(block.gradients_KNR.flatten(1))
            by_tensor[name] = by_tensor[name] + found if name in by_tensor else found
        columns |= {entry: entry.of(block) for both in entries.values() for entry in both if entry.is_in(block)}
    products = {name: sum_of([by_tensor[tensor] for tensor in available[name]]) for name in names}
    for pair, both in entries.items():
        products[pair_name_of(pair)] = inner_products_of(torch.stack([columns[entry] for entry in both], 1))
    return products


def problem_agreement(
    problems: Sequence[Problem],
    generator: np.random.Generator,
    *,
    parts: Sequence[str] | None = None,
    pairs: Sequence[ScalarPair] = (),
) -> dict[str, Agreement]:
    """Agreement of the minibatches' gradients by part, as `minibatch_agreement` has it for the built-in network."""
    products = problem_products(problems, parts=parts, pairs=pairs)
    return {name: agreement_of(name, found, generator) for name, found in products.items()}


def problem_cosines(problems: Sequence[Problem], part: str) -> np.ndarray:
    """(K, K): the cosines of the angles between the minibatches' gradients, nan where one is zero."""
    return cosines(problem_products(problems, parts=(part,))[part])


@dataclass(frozen=True)
class _Entry:
    """One number of a tensor: the unit, and the place within it."""

    name: str
    unit: int
    place: int

    def is_in(self, block: Block) -> bool:
        return block.piece.name == self.name and block.piece.first <= self.unit < block.piece.stop

    def of(self, block: Block) -> Tensor:
        """(K,) float64."""
        return block.gradients_KNR[:, self.unit - block.piece.first, self.place].double()


def _entry_of(scalar: Scalar, available: dict[str, list[str]], model: nn.Module) -> _Entry:
    tensor = check_scalar(model, scalar)
    [name] = available[scalar.name]
    unit, *inner = scalar.index or (0,)
    shape = tuple(tensor.shape[1:])
    return _Entry(name, unit, int(np.ravel_multi_index(inner, shape)) if shape else 0)


def _products(gradients_KP: Tensor) -> InnerProducts:
    """In float64, a few columns at a time."""
    step = max(1, ENTRIES_AT_ONCE // len(gradients_KP))
    parts = []
    for columns_KP in gradients_KP.split(step, 1):
        between_tiles()
        parts.append(inner_products_of(columns_KP.double()))
    return sum_of(parts)
