"""The vectors that axes stand for, against their definitions."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gradviz.errors import UserError
from gradviz.experiment.batches import tensors_of
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.directions.path import principal_components
from gradviz.landscape.directions.resolving import spanned_by, vector_of
from gradviz.landscape.directions.vector import Vector, inner_product, plane_of, share_within
from gradviz.landscape.replay.along import part_of
from tests.landscape.directions.paths import EPOCHS, MemoryPath, flat, names_of, surroundings, trained


@pytest.mark.parametrize("name", ["none", "cnn", "addition"])
def test_filters_of_a_random_vector_are_as_long_as_the_weights(name):
    where = surroundings(name)
    vector = vector_of(parse_axis("random:4"), where)
    for tensor, own in where.parameters().items():
        if own.ndim < 2:
            assert tensor not in vector.parts
            continue
        for drawn, weights in zip(vector.parts[tensor], own, strict=True):
            assert drawn.norm().item() == pytest.approx(weights.norm().item(), rel=1e-12)
    everything = vector_of(parse_axis("random-all:4"), where)
    assert set(everything.parts) == set(where.parameters())
    for tensor, own in where.parameters().items():
        if own.ndim == 1 and len(own) > 1:  # one filter, whose numbers are not those of the weights
            assert everything.parts[tensor].norm().item() == pytest.approx(own.norm().item(), rel=1e-12)
            assert not torch.allclose(everything.parts[tensor].abs(), own.double().abs())
    assert all(torch.equal(part, everything.parts[tensor]) for tensor, part in vector.parts.items())


def test_a_part_of_a_random_vector_has_the_same_numbers():
    where = surroundings("none")
    whole, part = (vector_of(parse_axis(text), where) for text in ("random:4", "random:4@hidden.1"))
    assert list(part.parts) == ["hidden.1.linear.weight"]
    assert torch.equal(part.parts["hidden.1.linear.weight"], whole.parts["hidden.1.linear.weight"])
    other = vector_of(parse_axis("random:5"), where)
    assert not torch.equal(part.parts["hidden.1.linear.weight"], other.parts["hidden.1.linear.weight"])


def test_a_step_is_the_difference_to_the_recorded_epoch_before():
    where = surroundings("none", epoch=4)
    vector = vector_of(parse_axis("step"), where)
    assert vector.meaning == "the step from epoch 2 to 4"
    assert all(
        torch.equal(part, where.path.parameters(4)[n] - where.path.parameters(2)[n]) for n, part in vector.parts.items()
    )


def test_gradients_are_as_long_as_the_last_step_and_at_the_first_epoch_as_the_next():
    for epoch, text in ((2, "the step from epoch 1 to 2"), (0, "the step from epoch 0 to 1")):
        where = surroundings("none", epoch=epoch)
        vector = vector_of(parse_axis("gradient:1"), where)
        a, b = (where.path.parameters(int(number)) for number in (text.split()[4], text.split()[6]))
        difference = {name: b[name] - a[name] for name in a}
        assert vector.length == pytest.approx(math.sqrt(inner_product(difference, difference)), rel=1e-12)
        assert vector.meaning.endswith(text)


@pytest.mark.parametrize("name", ["none", "cnn"])
def test_principal_components_are_those_of_the_svd(name):
    where = surroundings(name)
    names = names_of(where)
    path = np.stack([flat(where.path.parameters(epoch), names) for epoch in EPOCHS])
    centred = path - path.mean(0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    found = principal_components(where.path)
    assert len(found.weights_KE) == len(EPOCHS) - 1
    for number in range(1, len(EPOCHS)):
        vector = vector_of(parse_axis(f"pca:{number}"), where)
        own, wanted = flat(vector.parts, names), directions[number - 1] * sizes[number - 1] / math.sqrt(len(EPOCHS))
        if wanted @ own < 0:
            wanted = -wanted
        np.testing.assert_allclose(own, wanted, atol=1e-9 * np.abs(wanted).max())
        assert own @ (path[-1] - path[0]) > 0
        assert found.share(number) == pytest.approx(sizes[number - 1] ** 2 / (sizes**2).sum(), rel=1e-9)
        assert own @ own == pytest.approx(np.var(centred @ own / math.sqrt(own @ own)), rel=1e-9)


def test_the_component_of_two_checkpoints_is_the_way_between_them():
    _, states = trained("none")
    where = surroundings("none", epoch=0)
    where.path = MemoryPath(states[:2], 0)
    component, way = (vector_of(parse_axis(text), where) for text in ("pca:1", "towards:adam/1"))
    for name, part in component.parts.items():
        torch.testing.assert_close(2 * part, way.parts[name], rtol=1e-9, atol=1e-12)
    with pytest.raises(UserError, match="the 2 checkpoints of adam have 1 principal components"):
        vector_of(parse_axis("pca:2"), where)


@pytest.mark.parametrize("name", ["none", "cnn", "addition"])
def test_eigenvectors_are_those_of_the_dense_hessian(name):
    where = surroundings(name)
    problem = where.problem(0)
    model = copy.deepcopy(problem.model).double()
    shapes = {tensor: parameter.shape for tensor, parameter in model.named_parameters()}
    batch = tuple(each.double() if each.is_floating_point() else each for each in tensors_of(problem.batch).values())
    batch = dict(zip(problem.batch, batch, strict=True)) if isinstance(problem.batch, dict) else batch

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self):
            return problem.loss(self.model, batch).mean()

    def loss(flat_P: torch.Tensor) -> torch.Tensor:
        parts = flat_P.split([shape.numel() for shape in shapes.values()])
        state = {f"model.{name}": part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        return torch.func.functional_call(Whole(), state, ())

    at = torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])
    with sdpa_kernel(SDPBackend.MATH):
        values, vectors = torch.linalg.eigh(torch.autograd.functional.hessian(loss, at))
    order = values.abs().argsort(descending=True)
    for number in (1, 2):
        eigenvalue, wanted = values[order[number - 1]].item(), vectors[:, order[number - 1]].numpy()
        vector = vector_of(parse_axis(f"hessian:{number}"), where)
        got = flat(vector.parts, [(tensor, shape.numel()) for tensor, shape in shapes.items()]) / vector.length
        assert abs(got @ wanted) == pytest.approx(1, abs=1e-6)
        assert got[np.abs(got).argmax()] > 0
        told = f"{eigenvalue:.4g}".replace("-", "−")
        assert f"Eigenvalue {number} of the Hessian is {told}" in vector.notes[0]


def test_a_loss_without_curvature_has_no_eigenvectors():
    where = surroundings("none")
    problem = where.problem(0)
    linear = nn.Linear(12, 1)

    def loss(model, batch):
        return (model(batch[0])[:, 0] - batch[1]).abs()

    flat_one = type(problem)(linear, loss, problem.batch, dtype=torch.float64)
    where.problem = lambda number: flat_one
    with pytest.raises(UserError, match="has no curvature at epoch 2"):
        vector_of(parse_axis("hessian:1"), where)


WRONG = [
    ("step", "step@hidden", "none", 0, "no step leads to epoch 0, the first"),
    ("towards:nope/1", "step", "none", 2, "`run` must be adam"),
    ("towards:adam/9", "step", "none", 2, "got adam/9"),
    ("gradient:7", "step", "none", 2, "minibatches of this run are 0 to 2, or `mean`"),
    ("random:1@nope", "step", "none", 2, "no parameter's name begins with nope"),
    ("pca:9", "step", "none", 2, "have 3 principal components"),
    ("towards:adam/2", "step", "none", 2, "does not move any parameter"),
    ("random:1", "random-all:1@output.weight", "none", 2, None),
    ("random:1@output", "random-all:1@output.weight", "none", 2, "lie on one line"),
    ("hidden.9.linear.bias[0]", "step", "none", 2, "no parameter hidden.9.linear.bias"),
    ("hidden.1.linear.bias[99]", "step", "none", 2, "is out of range"),
    ("step@hidden.0.linear.weight.more", "random:1", "none", 2, "no parameter's name begins with"),
]


@pytest.mark.parametrize(("x", "y", "name", "epoch", "sentence"), WRONG)
def test_an_axis_that_is_not_there_is_told_in_one_line(x, y, name, epoch, sentence):
    where = surroundings(name, epoch=epoch)
    if sentence is None:
        spanned_by(x, y, where)
        return
    with pytest.raises(UserError, match=sentence) as told:
        spanned_by(x, y, where)
    assert "\n" not in str(told.value)


def test_the_length_of_nothing_is_not_known():
    _, states = trained("none")
    where = surroundings("none", epoch=1)
    where.path = MemoryPath((states[0], states[0]), 1)
    for text in ("gradient:0", "pca:1", "step"):
        with pytest.raises(UserError):
            spanned_by(text, "random:1", where)


def test_factors_of_a_matrix_give_it_back_and_a_full_one_has_none():
    drawn = torch.Generator().manual_seed(0)
    low = torch.randn((60, 5), generator=drawn).double() @ torch.randn((5, 40), generator=drawn).double()
    found = part_of(low, 8).factors
    assert found is not None
    torch.testing.assert_close(found[0] @ found[1], low, rtol=0, atol=1e-12)
    full = torch.randn((60, 40), generator=drawn, dtype=torch.float64)
    assert part_of(full, 8).factors is None
    assert part_of(low, None).factors is None
    assert part_of(low, 11).factors is None  # a quarter of the smaller side at most


def test_no_part_of_a_vector_is_longer_than_the_vector():
    generator = torch.Generator().manual_seed(0)
    one = [torch.randn(7, generator=generator, dtype=torch.float64) for _ in range(2)]
    x, y = plane_of(*(Vector(name, {"w": part}, "") for name, part in zip("xy", one, strict=True)))
    for _ in range(100):
        a, b = torch.randn(2, generator=generator, dtype=torch.float64)
        share = share_within({"w": a * x.parts["w"] + b * y.parts["w"]}, x, y)
        assert share is not None
        assert 1 - 1e-12 < share <= 1
