"""Batches: any nesting of tensors, rows first, in dicts, lists, tuples, named tuples and dataclasses.

A tensor with at least one dimension holds one entry for each row; tensors without dimensions, numbers, texts and None
belong to the whole batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError, shown

Batch = Any
"""A nesting of tensors, as the study's own `loss` takes it."""

Structure = dict[str, Any]
"""A nesting without its tensors, as JSON: `{"tensor": PATH}`, `{"value": 3}`, `{"list": [...]}`, `{"tuple": [...]}`,
`{"dict": [[key, ...], ...]}`, or `{"class": NAME, "fields": [[name, ...], ...]}`."""

_PLAIN = (bool, int, float, str, type(None))
_DEEPEST = 16


def tensors_of(batch: Batch) -> dict[str, Tensor]:
    """Every tensor by its path, such as `0`, `inputs` or `inputs.mask`; UserError for what a batch cannot hold."""
    return dict(_walk(batch, ()))


def arrays_of(batch: Batch) -> dict[str, np.ndarray]:
    """Every tensor as an array, by its path; a batch that is one tensor is `batch`."""
    found = {path or "batch": tensor.detach().cpu() for path, tensor in tensors_of(batch).items()}
    # numpy has no bfloat16, of which every number is one of float32
    return {path: (each.float() if each.dtype == torch.bfloat16 else each).numpy() for path, each in found.items()}


def num_rows(batch: Batch) -> int:
    """The number of rows; UserError if the tensors disagree, or none has rows."""
    sizes = {path: len(tensor) for path, tensor in tensors_of(batch).items() if tensor.ndim}
    if not sizes:
        raise UserError("A minibatch must hold a tensor whose first dimension is its rows, got none.")
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{path or 'the tensor'} has {size}" for path, size in sizes.items())
        raise UserError(f"All tensors of a minibatch must have its rows as their first dimension, but {told}.")
    return next(iter(sizes.values()))


def num_steps(batch_size: int, num_rows: int) -> int:
    """Optimizer steps of one epoch: complete minibatches, or one with all rows if there are fewer."""
    return max(1, num_rows // batch_size)


def mapped(batch: Batch, function: Callable[[Tensor], Tensor]) -> Batch:
    """The same nesting with `function` of each tensor. A mapping that is not a dict becomes one."""
    if isinstance(batch, Tensor):
        return function(batch)
    if isinstance(batch, Mapping):
        return {key: mapped(part, function) for key, part in batch.items()}
    if _is_record(batch):
        parts = {name: mapped(part, function) for name, part in _record_fields(batch)}
        return type(batch)(**parts)
    if isinstance(batch, list | tuple):
        return type(batch)(mapped(part, function) for part in batch)
    return batch


def selected(batch: Batch, rows: Tensor | slice) -> Batch:
    """Some rows of a batch, by their numbers or as a slice."""
    return mapped(batch, lambda tensor: tensor[rows] if tensor.ndim else tensor)


def joined(batches: Sequence[Batch], numbers: Sequence[int] | None = None) -> Batch:
    """All rows of several batches, one after the other; UserError if they differ in more than their rows, which names
    them by their `numbers`, if these are not those of their places."""
    first, *others = batches
    named = range(len(batches)) if numbers is None else numbers
    wanted = tensors_of(first)
    for number, batch in zip(named[1:], others, strict=True):
        parts = tensors_of(batch)
        cannot = f"The rows of minibatches {named[0]} and {number} cannot be mixed:"
        if structure_of(batch) != structure_of(first):
            raise UserError(f"{cannot} they differ by more than rows.")
        for path, each in wanted.items():
            other = parts[path]
            if (other.dtype, other.ndim, other.shape[1:]) != (each.dtype, each.ndim, each.shape[1:]):
                raise UserError(f"{cannot} they differ in {path or 'their tensors'} by more than rows.")
            if not each.ndim and not torch.equal(each, other):
                raise UserError(f"{cannot} what belongs to each batch differs, in {path}.")
    every = [iter(tensors_of(batch).values()) for batch in batches]

    def together(tensor: Tensor) -> Tensor:
        parts = [next(each) for each in every]
        return torch.cat(parts) if tensor.ndim else tensor

    return mapped(first, together)


def structure_of(batch: Batch, prefix: str = "") -> Structure:
    """The nesting without its tensors; `prefix` begins their paths, as in `tensors_of`."""
    return _structure(batch, (prefix,) if prefix else ())


def rebuilt(structure: Structure, tensors: Mapping[str, Tensor], classes: Mapping[str, type]) -> Batch:
    """The batch that `structure_of` and `tensors_of` describe.

    `classes`: the named tuples and dataclasses that may be used, by name: never looked up elsewhere. UserError for one
    that is missing; ValueError or KeyError if the structure is damaged.
    """
    [(kind, content), *others] = structure.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "value":
        return content
    if kind in ("list", "tuple"):
        parts = [rebuilt(part, tensors, classes) for part in content]
        return parts if kind == "list" else tuple(parts)
    if kind == "dict":
        return {key: rebuilt(part, tensors, classes) for key, part in content}
    if kind == "class":
        [(_, parts)] = others
        made = classes.get(content)
        if made is None:
            raise UserError(
                f"The minibatches are of the class {shown(content)}, which the study's file does not have: define or "
                "import it there."
            )
        return made(**{name: rebuilt(part, tensors, classes) for name, part in parts})
    raise ValueError(f"unknown part {kind!r}")


def record_classes(namespace: Mapping[str, object]) -> dict[str, type]:
    """The dataclasses and named tuples in a namespace, by their own names: the `classes` of `rebuilt`."""
    types = [value for value in namespace.values() if isinstance(value, type)]
    return {each.__name__: each for each in types if is_dataclass(each) or _is_named_tuple(each)}


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches have the same nesting, values, and tensors to the bit."""
    ours, theirs = tensors_of(one), tensors_of(other)
    return structure_of(one) == structure_of(other) and all(
        tensor.dtype == theirs[path].dtype and torch.equal(tensor, theirs[path]) for path, tensor in ours.items()
    )


def _walk(batch: Batch, path: tuple[str, ...]) -> Iterator[tuple[str, Tensor]]:
    where = ".".join(path)
    if len(path) > _DEEPEST:
        raise UserError(f"A minibatch may be nested {_DEEPEST} levels deep; {where} is deeper.")
    if isinstance(batch, Tensor):
        yield where, batch
    elif (parts := _parts(batch)) is not None:
        for key, part in parts:
            yield from _walk(part, (*path, str(key)))
    elif not isinstance(batch, _PLAIN):
        raise UserError(
            f"A minibatch may hold tensors, numbers and texts in dicts, lists, tuples and dataclasses, but "
            f"{f'its {where}' if where else 'this one'} is {_article(type(batch).__name__)}: make it a tensor."
        )


def _structure(batch: Batch, path: tuple[str, ...]) -> Structure:
    if isinstance(batch, Tensor):
        return {"tensor": ".".join(path)}
    parts = _parts(batch)
    if parts is None:
        return {"value": batch}
    inner = [(key, _structure(part, (*path, str(key)))) for key, part in parts]
    if isinstance(batch, Mapping):
        return {"dict": [list(pair) for pair in inner]}
    if _is_record(batch):
        return {"class": type(batch).__name__, "fields": [list(pair) for pair in inner]}
    return {"list" if isinstance(batch, list) else "tuple": [part for _, part in inner]}


def _parts(batch: Batch) -> list[tuple[Any, Any]] | None:
    """(key, part) of each part; None for what has no parts."""
    if isinstance(batch, Mapping):
        wrong = [key for key in batch if not isinstance(key, str | int)]
        if wrong:
            raise UserError(f"The keys of a minibatch must be texts or numbers, got {shown(repr(wrong[0]))}.")
        return list(batch.items())
    if _is_record(batch):
        return list(_record_fields(batch))
    return list(enumerate(batch)) if isinstance(batch, list | tuple) else None


def _is_record(batch: object) -> bool:
    return (is_dataclass(batch) and not isinstance(batch, type)) or _is_named_tuple(type(batch))


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _record_fields(batch: Any) -> Iterator[tuple[str, Any]]:
    names = batch._fields if _is_named_tuple(type(batch)) else [field.name for field in fields(batch) if field.init]
    return ((name, getattr(batch, name)) for name in names)


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"
