"""Batches of any nesting are taken apart, cut by rows and put together again, and nothing else is one."""

import json
from collections import OrderedDict, UserDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.batches import (
    joined,
    mapped,
    num_rows,
    rebuilt,
    record_classes,
    same,
    selected,
    structure_of,
    tensors_of,
)


@dataclass
class Tokens:
    ids: Tensor
    mask: Tensor | None = None
    length: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.length = self.ids.shape[1]


class Pair(NamedTuple):
    inputs: Any
    targets: Tensor


A, B = torch.arange(12.0).reshape(4, 3), torch.tensor([3, 1, 0, 2])
CLASSES = {"Tokens": Tokens, "Pair": Pair}

BATCHES = {
    "a tensor": A,
    "a pair": (A, B),
    "a list": [A, [B, B.bool()]],
    "a dict": {"input_ids": B, "labels": A, "step": 3, "names": None},
    "numbers as keys": {0: A, 1: (B,)},
    "a dataclass": Tokens(A, B > 1),
    "a named tuple": Pair({"x": A, "scale": torch.tensor(2.0)}, B),
    "no nesting of one kind": ({"x": [A, (Tokens(A),)]}, "text", 1.5, True),
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_a_batch_is_taken_apart_and_put_together_again(batch: Any):
    structure = json.loads(json.dumps(structure_of(batch, "7")))
    tensors = {f"7.{path}" if path else "7": tensor for path, tensor in tensors_of(batch).items()}
    again = rebuilt(structure, tensors, CLASSES)
    assert type(again) is type(batch)
    assert same(again, batch)
    assert num_rows(again) == 4


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_rows_are_selected_in_every_tensor_that_has_them(batch: Any):
    some = selected(batch, torch.tensor([2, 0]))
    assert num_rows(some) == 2
    for path, tensor in tensors_of(batch).items():
        assert torch.equal(tensors_of(some)[path], tensor[[2, 0]] if tensor.ndim else tensor)
    assert same(selected(batch, slice(0, 4)), batch)


def test_mappings_of_other_libraries_become_dicts():
    for batch in (OrderedDict(x=A), UserDict(x=A)):
        assert same(mapped(batch, lambda tensor: tensor), {"x": A})
        assert same(rebuilt(structure_of(batch), tensors_of(batch), {}), {"x": A})


def test_same_sees_one_bit_one_dtype_and_one_value():
    for other in (A + 1e-6, A.double()):
        assert not same((A, B), (other, B))
    assert not same({"x": A, "step": 1}, {"x": A, "step": 2})
    assert not same((A, B), [A, B])


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ({"x": {1, 2}}, "its x is a set"),
        ((A, object()), "its 1 is an object"),
        (A.numpy(), "this one is a ndarray"),
        ({(1, 2): A}, r"keys .* got \(1, 2\)"),
        ((A, B[:3]), "0 has 4, 1 has 3"),
        ({"step": 3}, "got none"),
        (torch.tensor(1.0), "got none"),
    ],
)
def test_what_is_no_batch_is_refused_by_name(batch: Any, told: str):
    with pytest.raises(UserError, match=told):
        num_rows(batch)


def test_a_batch_that_holds_itself_is_refused():
    batch: list[Any] = [A]
    batch.append(batch)
    with pytest.raises(UserError, match="levels deep"):
        num_rows(batch)


def test_classes_come_from_the_given_names_alone():
    with pytest.raises(UserError, match="class Tokens, which the study's file does not have"):
        rebuilt(structure_of(Tokens(A)), tensors_of(Tokens(A)), {})
    assert record_classes({"Tokens": Tokens, "Pair": Pair, "json": json, "int": int}) == CLASSES


@pytest.mark.parametrize("name", BATCHES)
def test_parts_are_joined_to_the_whole(name: str):
    batch = BATCHES[name]
    assert same(joined([selected(batch, slice(1)), selected(batch, slice(1, 4))]), batch)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"x": A.double(), "y": B, "scale": torch.tensor(1.0)}, "they differ in x by more than rows"),
        ({"x": A[:, :2], "y": B, "scale": torch.tensor(1.0)}, "they differ in x by more than rows"),
        ({"x": A, "y": B}, "they differ by more than rows"),
        ({"x": A, "y": B, "scale": torch.tensor(2.0)}, "what belongs to each batch differs"),
    ],
)
def test_batches_that_differ_in_more_than_their_rows_are_not_joined(other: dict, told: str):
    batch = {"x": A, "y": B, "scale": torch.tensor(1.0)}
    with pytest.raises(UserError, match=f"The rows of minibatches 0 and 1 cannot be mixed: {told}"):
        joined([batch, other])
