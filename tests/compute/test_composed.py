"""Landscapes of composed minibatches: bit for bit those of the minibatch with the same rows, and float64's numbers."""

from typing import Any

import numpy as np
import pytest
import torch

from gradviz.compute.celery.messages import Work
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
OF_STUDY = {"run": "net", "x": "conv1.weight[2,0,1,1]", "y": "conv2.bias[3]"}
MODES: list[dict[str, Any]] = [
    {"mode": "eval"},
    {"mode": "train", "masks": "fresh", "seed": 3},
    {"mode": "train", "masks": "frozen", "seed": 3},
    {"mode": "train", "masks": "averaged", "num_masks": 3},
]


def asked(**values: Any) -> LandscapeRequest:
    return LandscapeRequest.of(**{"epoch": 1, "points": 5, **PAIR, **values})


def assert_same(one: GradientField, other: GradientField) -> None:
    """To the bit, with all that is told."""
    assert one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize("method", ["engine", "replay", "reference"])
@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("run", DEFAULT_NAMES)
def test_the_rows_of_a_minibatch_have_its_field(tiny_store: RunStore, run: str, mode: dict[str, Any], method: Any):
    own = asked(run=run, minibatch=2, minibatch_size=16, **mode)
    rows = tiny_store.run(run).row_numbers(2, 16)
    composed = asked(run=run, rows=rows, **mode)
    assert composed.key("digest") != own.key("digest")
    assert_same(Workbench(tiny_store).landscape(composed, method), Workbench(tiny_store).landscape(own, method))


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_the_rows_of_a_study_s_minibatch_have_its_field(compute: LocalCompute, mode: dict[str, Any]):
    own = asked(**OF_STUDY, minibatch=2, **mode)
    rows = compute.store.study_run("net").row_numbers(2)
    composed = asked(**OF_STUDY, rows=rows, **mode)
    assert_same(compute.landscape(composed), compute.landscape(own))


@pytest.mark.parametrize("run", DEFAULT_NAMES)
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_composed_minibatch_has_the_numbers_of_float64(tiny_store: RunStore, run: str, mode: Any):
    bench = Workbench(tiny_store)
    # before batch norm a linear bias has no gradient
    pair = {axis: f"hidden.1.norm.bias[{k}]" for k, axis in enumerate("xy")} if run == "batchnorm" else PAIR
    composed = asked(run=run, **pair, rows=[101, 3, 7, *range(40, 60)], mode=mode, masks="frozen")
    exact = bench.reference(composed, torch.float64)
    for method in ("engine", "replay"):
        field = bench.landscape(composed, method)
        for name in ("u", "v", "loss"):
            wanted = getattr(exact, name)
            # float32 beside float64: roundings of the rows' parts, which cancel to a tenth in the sum
            np.testing.assert_allclose(getattr(field, name), wanted, rtol=0, atol=2e-5 * abs(wanted).max())


def test_a_composed_minibatch_of_a_study_has_the_numbers_of_autograd_in_float64(compute: LocalCompute):
    rows = [40, 3, 13, 14, 25]
    run = compute.store.study_run("net")
    field = compute.landscape(asked(**OF_STUDY, rows=rows))
    model = run.model(1).double().eval()
    every = [run.minibatch(k) for k in range(4)]
    images, labels = (torch.cat(parts)[rows] for parts in zip(*every, strict=True))
    torch.nn.functional.cross_entropy(model(images.double()), labels).backward()
    kernel, bias = model.get_parameter("conv1.weight").grad, model.get_parameter("conv2.bias").grad
    assert kernel is not None
    assert bias is not None
    assert field.u[2, 2] == pytest.approx(kernel[2, 0, 1, 1].item(), rel=1e-5)
    assert field.v[2, 2] == pytest.approx(bias[3].item(), rel=1e-5)


def test_a_minibatch_that_is_kept_is_not_mistaken_for_another(tiny_store: RunStore):
    bench = Workbench(tiny_store)
    requests = [asked(run="none", rows=rows) for rows in ([3, 5], [5, 3], [3], [3, 5, 9])] + [asked(run="none")]
    for _ in range(2):
        for request in requests:
            assert_same(bench.landscape(request), Workbench(tiny_store).landscape(request))


@pytest.mark.parametrize("axes", [("gradient:1", "hidden.1.linear.bias[2]"), ("random:1", "step")], ids=str)
def test_a_plane_along_directions_takes_chosen_rows(tiny_store: RunStore, axes: tuple[str, str]):
    x, y = axes
    shared = {"run": "none", "x": x, "y": y, "minibatch_size": 16, "points": 3}
    own, composed = asked(**shared, minibatch=2), asked(**shared, rows=tiny_store.run("none").row_numbers(2, 16))
    assert_same(Workbench(tiny_store).landscape(composed), Workbench(tiny_store).landscape(own))
    told = [PlaneQuestion(request=request).answer(Workbench(tiny_store)) for request in (composed, own)]
    assert told[0].split(b',"request"')[0] == told[1].split(b',"request"')[0]


def test_the_curvature_is_that_of_the_chosen_rows(compute: LocalCompute):
    shared = {**OF_STUDY, "x": "hessian:1", "y": "random:2", "points": 3}
    rows = compute.store.study_run("net").row_numbers(1)
    of_one, of_other = asked(**shared, rows=rows), asked(**shared, rows=rows[:4])
    bench = compute.bench
    assert_same(bench.landscape(of_one), bench.landscape(asked(**shared, minibatch=1)))
    assert not np.array_equal(bench.span(of_one).x.parts["head.weight"], bench.span(of_other).x.parts["head.weight"])


@pytest.mark.parametrize(
    ("run", "rows", "says"),
    [
        ("none", [3, 240], r"`rows` must be training rows of the run, in \[0, 239\], got 240, a test row\."),
        (
            "none",
            [300],
            r"`rows` must be training rows of the run, in \[0, 239\], got 300, which the run does not have",
        ),
    ],
)
def test_a_row_that_the_run_does_not_have_is_named(tiny_store: RunStore, run: str, rows: list[int], says: str):
    for method in ("engine", "replay", "reference"):
        with pytest.raises(UserError, match=rf"^{says}"):
            Workbench(tiny_store).landscape(asked(run=run, rows=rows), method)  # pyright: ignore[reportArgumentType]


def test_a_row_that_a_study_does_not_have_is_named(compute: LocalCompute):
    with pytest.raises(UserError, match=r"^`rows` of the run net must be in \[0, 47\], got 48\.$"):
        compute.landscape(asked(**OF_STUDY, rows=[48]))


def test_messages_to_workers_carry_the_rows():
    question = LandscapeQuestion(request=asked(run="none", rows=[9, 3, 20, 21, 22]))
    work = Work(code="0" * 16, keys=("0" * 40,), questions=(question,))
    assert '"rows":"9,3,20-22"' in work.model_dump_json()
    assert Work.model_validate_json(work.model_dump_json()) == work
