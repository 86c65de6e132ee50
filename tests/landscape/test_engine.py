"""The engine, the plain loop and an independent autograd computation agree: every pair, mode, variant and placement."""

import copy
import itertools

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, gradient_landscape
from gradviz.landscape import engine as engine_module
from gradviz.landscape.tiling import tiles_of
from gradviz.landscape.vmap import landscape_by_vmap
from tests.landscape.cases import KINDS, autograd_field, modes_of, parameters_of, random_case, relative_error

# In float64 the three differ by the order of their sums alone: a few hundred terms, 1e-16 each, over what cancels.
FLOAT64 = 1e-10


def assert_same(field, u, v, loss) -> None:
    """Where both fields are zero up to round-off there is no scale to compare on; the loss always has one."""
    np.testing.assert_allclose(field.loss, loss, rtol=FLOAT64)
    if not field.is_zero.all():
        assert relative_error(field.u, field.v, u, v) < FLOAT64
    else:
        assert max(abs(u).max(), abs(v).max()) < 1e-12


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_engine_equals_independent_autograd_for_all_pairs(regularizer, placement):
    case = random_case(regularizer, placement, seed=1, hidden=(6, 5, 4), num_inputs=4, num_rows=8)
    names = parameters_of(case)
    assert len(names) >= 15
    for number, (x, y) in enumerate(itertools.permutations(names, 2)):
        modes = modes_of(regularizer)
        mode = modes[number % len(modes)]
        spec = LandscapeSpec(x=x, y=y, points=3, half_width=0.6, seed=number, **mode)
        field = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        assert_same(field, *autograd_field(case, spec))


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
        ("hidden.0.linear.weight[2,3]", "hidden.2.linear.weight[1,4]"),
        ("output.weight[0,2]", "hidden.0.linear.bias[1]"),
    ],
)
def test_reference_equals_engine_and_autograd(regularizer, placement, x, y):
    case = random_case(regularizer, placement, seed=2)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x=x, y=y, points=5, seed=3, **mode)
        reference = gradient_landscape(
            case.model, case.inputs, case.targets, spec, method="reference", dtype=torch.float64
        )
        field = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        double = copy.deepcopy(case.model).double()
        assert_same(reference, *landscape_by_vmap(double, case.inputs.double(), case.targets.double(), spec))
        assert_same(reference, *autograd_field(case, spec))
        assert_same(field, reference.u, reference.v, reference.loss)
        np.testing.assert_array_equal(field.is_zero, reference.is_zero)


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize("hidden", [(5,), (6, 4), (5, 6, 4, 3, 4)])
def test_any_number_of_hidden_layers(regularizer, placement, hidden):
    case = random_case(regularizer, placement, seed=4, hidden=hidden)
    names = parameters_of(case)
    for x, y in itertools.pairwise(names):
        for mode in modes_of(regularizer):
            spec = LandscapeSpec(x=x, y=y, points=3, half_width=0.5, **mode)
            field = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
            assert_same(field, *autograd_field(case, spec))


@pytest.mark.parametrize("method", ["engine", "reference"])
@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_computing_changes_nothing(regularizer, placement, method):
    case = random_case(regularizer, placement)
    case.model.train()
    before = {name: tensor.clone() for name, tensor in case.model.state_dict().items()}
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x="hidden.0.linear.bias[0]", y="output.bias[0]", points=3, **mode)
        gradient_landscape(case.model, case.inputs, case.targets, spec, method=method)
    assert case.model.training
    assert all(parameter.grad is None for parameter in case.model.parameters())
    after = case.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state(legacy=False)["state"]["key"])


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_the_size_of_the_tiles_does_not_matter(regularizer, placement, monkeypatch):
    case = random_case(regularizer, placement)
    specs = [
        LandscapeSpec(x=x, y="hidden.1.linear.bias[1]", points=7, **mode)
        for x in ("hidden.1.linear.bias[0]", "hidden.0.linear.bias[0]")
        for mode in modes_of(regularizer)
    ]

    def fields():
        return [gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64) for spec in specs]

    whole = fields()
    num_tiles = []
    tiles = engine_module.tiles
    monkeypatch.setattr(engine_module, "tiles", lambda *a: num_tiles.append(len(list(tiles(*a)))) or tiles(*a))
    with tiles_of(16 * 12 * 8 * 3):
        in_tiles = fields()
    for field, tiled in zip(whole, in_tiles, strict=True):
        np.testing.assert_allclose(tiled.u, field.u, rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(tiled.v, field.v, rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose(tiled.loss, field.loss, rtol=1e-12)
    assert sum(number > 7 for number in num_tiles) >= len(specs)  # and a few more of parts that are looked at again


def test_the_number_of_threads_does_not_matter():
    case = random_case("dropout")
    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", mode="train", points=5, seed=9)
    threads = torch.get_num_threads()
    fields = []
    for number in (1, 2):
        torch.set_num_threads(number)
        fields.append(gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64))
    torch.set_num_threads(threads)
    np.testing.assert_allclose(fields[0].u, fields[1].u, rtol=1e-12, atol=1e-15)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch.cuda.is_available() is False on this machine")
@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_cuda_gives_the_field_of_the_cpu(regularizer, placement):
    case = random_case(regularizer, placement)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.weight[1,2]", points=5, **mode)
        cpu, cuda = (
            gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64, device=device)
            for device in ("cpu", "cuda")
        )
        assert relative_error(cuda.u, cuda.v, cpu.u, cpu.v) < FLOAT64
