"""The question of a minibatch's rows: their fields, numbers and what they mean, for runs of all studies."""

import json
import struct

import numpy as np
import pytest
import torch

from gradviz.compute import row_fields
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.row_fields import RowFieldsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest, gradient_landscape
from gradviz.landscape.per_row import Increments

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}


def asked(**values: object) -> LandscapeRequest:
    return LandscapeRequest.of(**{"run": "none", "epoch": 1, "minibatch_size": 16, "points": 5, **PAIR, **values})


def read(content: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    """The header, and u and v, (B, Y, X) each."""
    (length,) = struct.unpack_from("<I", content)
    assert length % 4 == 0
    header = json.loads(content[4 : 4 + length])
    shape = (2, len(header["rows"]), header["points"], header["points"])
    assert len(content) == 4 + length + 4 * np.prod(shape)
    u, v = np.frombuffer(content, "<f4", offset=4 + length).reshape(shape)
    return header, u, v


@pytest.mark.parametrize(
    ("values", "coupled", "has_masks"),
    [
        ({}, False, False),
        ({"minibatch": 2, "minibatch_size": 7}, False, False),
        ({"run": "dropout", "mode": "train", "masks": "averaged", "num_masks": 3}, False, True),
        ({"run": "batchnorm"}, False, False),
        ({"run": "batchnorm", "mode": "train", "x": "hidden.1.norm.bias[0]"}, True, False),
        ({"x": "random:1", "y": "gradient:0", "half_width": 0.5}, False, False),
        ({"run": "batchnorm", "mode": "train", "x": "random:1", "y": "step", "half_width": 0.5}, True, False),
    ],
    ids=str,
)
def test_the_mean_is_the_landscape_s_field(tiny_store: RunStore, values: dict, coupled: bool, has_masks: bool):
    request, bench = asked(**values), Workbench(tiny_store, device="cpu")
    header, u, v = read(RowFieldsQuestion(request=request).answer(bench))
    field = bench.landscape(request)
    size = max(abs(field.u).max(), abs(field.v).max())
    assert abs(u.mean(0) - field.u).max() < 1e-5 * size
    assert abs(v.mean(0) - field.v).max() < 1e-5 * size
    assert (header["coupled"], header["has_masks"]) == (coupled, has_masks)
    rows = tiny_store.run(request.run).minibatch(request.minibatch, request.minibatch_size).rows_B
    assert header["rows"] == rows.tolist()
    assert (header["points"], header["half_width"]) == (5, request.half_width)
    assert (header["x"], header["y"]) == (field.x[2], field.y[2])
    assert header["request"] == request.model_dump()


def test_a_recorded_run_counts_its_rows_through(compute: LocalCompute):
    request = LandscapeRequest.of(
        run="net", epoch=1, x="conv1.weight[2,0,1,1]", y="conv2.bias[3]", points=3, half_width=0.3, minibatch=2
    )
    question = RowFieldsQuestion(request=request)
    header, u, v = read(compute.ask(QUESTION.validate_json(question.model_dump_json())))
    sizes = [len(labels) for _, labels in compute.store.study_run("net").minibatches()]
    assert header["rows"] == list(range(sum(sizes[:2]), sum(sizes[:3])))
    assert header["method"].startswith("replay")
    field = compute.landscape(request)
    size = max(abs(field.u).max(), abs(field.v).max())
    assert abs(u.mean(0) - field.u).max() < 1e-5 * size
    assert abs(v.mean(0) - field.v).max() < 1e-5 * size


def test_a_landscape_and_its_rows_share_what_is_known_and_disturb_nothing(compute: LocalCompute):
    request, bench = asked(**OF_NET, points=3, mode="train", masks="frozen"), compute.bench
    field, rows = bench.landscape(request), bench.row_fields(request)
    assert bench.landscape(request).to_bytes() == field.to_bytes()
    again = bench.row_fields(request.model_copy(update={"x": "head.bias[1]"}))
    assert again.method.startswith("replay"), again.passed_over
    np.testing.assert_array_equal(bench.row_fields(request).u_BYX, rows.u_BYX)
    assert bench.landscape(request).to_bytes() == field.to_bytes()


OF_NET = {"run": "net", "x": "conv1.weight[2,0,1,1]", "y": "conv2.bias[3]", "half_width": 0.3, "minibatch_size": 64}


@pytest.mark.parametrize(
    "values", [{}, OF_NET, {"x": "random:1", "y": "gradient:1", "half_width": 0.5}], ids=["engine", "replay", "plane"]
)
def test_other_rows_have_the_fields_that_they_have_in_a_minibatch_of_their_own(
    compute: LocalCompute, tiny_store: RunStore, values: dict
):
    request, rows = asked(**values, points=3), (7, 3, 11)
    bench = compute.bench if request.run == "net" else Workbench(tiny_store, device="cpu")
    header, u, v = read(RowFieldsQuestion(request=request, of=rows).answer(bench))
    assert header["rows"] == list(rows)
    assert header["request"] == request.model_dump()
    for row, own_u, own_v in zip(rows, u, v, strict=True):
        if request.has_directions:  # the plane is that of the request's minibatch, whatever the rows
            alone = bench.row_fields(request, [row])
            wanted_u, wanted_v = alone.u_BYX[0], alone.v_BYX[0]
        else:
            field = bench.landscape(request.of_rows([row]))
            wanted_u, wanted_v = field.u, field.v
        size = max(abs(wanted_u).max(), abs(wanted_v).max())
        assert abs(own_u - wanted_u).max() < 1e-5 * size
        assert abs(own_v - wanted_v).max() < 1e-5 * size


def test_a_composed_minibatch_has_the_fields_of_its_rows(tiny_store: RunStore):
    bench, rows = Workbench(tiny_store, device="cpu"), [31, 4, 17]
    header, u, v = read(RowFieldsQuestion(request=asked(rows=rows)).answer(bench))
    assert header["rows"] == rows
    _, other_u, other_v = read(RowFieldsQuestion(request=asked(), of=tuple(rows)).answer(bench))
    np.testing.assert_array_equal((u, v), (other_u, other_v))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"run": "batchnorm", "mode": "train"}, "rows depend on each other"),
        ({"run": "dropout", "mode": "train"}, "masks belong to places"),
        ({**OF_NET, "mode": "train"}, "rows depend on each other"),
        ({**OF_NET, "mode": "train", "rows": [5]}, "rows depend on each other"),
    ],
)
def test_rows_that_are_not_alone_are_refused(compute: LocalCompute, tiny_store: RunStore, values: dict, sentence: str):
    request = asked(**values, points=3)
    bench = compute.bench if request.run == "net" else Workbench(tiny_store, device="cpu")
    with pytest.raises(UserError, match=sentence):
        bench.row_fields(request, [1, 2])


def test_a_minibatch_by_sums_is_the_landscape_from_scratch_and_its_reference_to_the_bit(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    pool = list(range(60))
    fields = bench.row_fields(asked(), pool)
    generator = np.random.default_rng(1)
    inside, outside = pool[:16], pool[16:]
    composed = Increments(fields, inside)
    for _ in range(1000):
        out, by = generator.integers(len(inside)), generator.integers(len(outside))
        composed.exchange((fields, inside[out]), (fields, outside[by]))
        inside[out], outside[by] = outside[by], inside[out]
    request = asked(rows=inside)
    wanted = bench.reference(request, torch.float64)
    u, v, loss = composed.mean()
    size = max(abs(wanted.u).max(), abs(wanted.v).max())
    assert max(abs(u - wanted.u).max(), abs(v - wanted.v).max()) < 1e-6 * size
    assert abs(loss - wanted.loss).max() < 1e-6 * wanted.loss.max()
    rows = tiny_store.run("none").rows_batch(inside)
    model = tiny_store.run("none").model(1)
    given = (model, rows.inputs_BI, rows.targets_B, request.spec())
    scratch = gradient_landscape(*given, method="reference", dtype=torch.float64)
    for name in ("u", "v", "loss"):
        np.testing.assert_array_equal(getattr(scratch, name), getattr(wanted, name))


def test_an_answer_is_bounded(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_fields, "MAX_ANSWER_NUMBERS", 2 * 16 * 25)
    bench = Workbench(tiny_store, device="cpu")
    RowFieldsQuestion(request=asked()).answer(bench)
    monkeypatch.setattr(bench, "row_fields", lambda *_: pytest.fail("computed in vain"))
    with pytest.raises(UserError, match="16 rows on 7 × 7 points are 1,568 numbers, and at most 800"):
        RowFieldsQuestion(request=asked(points=7)).answer(bench)


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    requests = [asked(), asked(epoch=2), asked(mode="train"), asked(minibatch=1), asked(points=3), asked(run="dropout")]
    requests += [asked(x="output.bias[0]"), asked(x="random:1", half_width=0.1), asked(x="random:2", half_width=0.1)]
    keys = [RowFieldsQuestion(request=request).key(tiny_store) for request in [*requests, asked(rows=[3, 4])]]
    keys.append(RowFieldsQuestion(request=asked(), of=(3, 4)).key(tiny_store))
    assert len(set(keys)) == len(keys)
    assert RowFieldsQuestion(request=asked()).key(tiny_store) == keys[0]
    assert RowFieldsQuestion(request=asked()).passes(tiny_store) > 0
