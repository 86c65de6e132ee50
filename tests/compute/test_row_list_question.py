"""The question of the rows of a minibatch: what they are, and what is said of them."""

import base64
import json

import numpy as np
import pytest
import torch

from gradviz.compute import row_list
from gradviz.compute.local import LocalCompute
from gradviz.compute.row_list import RowsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.row_list_api import RowsAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.encoding import one_hot, text_codes
from gradviz.experiment.studies.deliveries.fields import FIELDS
from gradviz.landscape import LandscapeRequest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"


def question(**values: object) -> RowsQuestion:
    asked = {"run": "none", "epoch": 1, "x": X, "y": Y, "points": 5, "minibatch_size": 16}
    return RowsQuestion(request=LandscapeRequest.of(**{**asked, **values}))


def answered(store: RunStore, **values: object) -> dict:
    content = question(**values).answer(Workbench(store, device="cpu"))
    RowsAnswer.model_validate_json(content)
    return json.loads(content)


@pytest.mark.parametrize("run", ["none", "dropout", "batchnorm"])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_rows_add_up_to_the_pictures_centre_arrow(tiny_store: RunStore, run: str, mode: str):
    told = answered(tiny_store, run=run, mode=mode, minibatch=2)
    bench = Workbench(tiny_store, device="cpu")
    field = bench.landscape(question(run=run, mode=mode, minibatch=2).request)
    assert (told["u"], told["v"]) == pytest.approx(field.centre, rel=1e-4, abs=1e-7)
    rows = told["rows"]
    assert (np.mean([row["u"] for row in rows]), np.mean([row["v"] for row in rows])) == pytest.approx(
        (told["u"], told["v"]), abs=1e-9
    )
    assert np.mean([row["below"] for row in rows]) == pytest.approx(field.share_below)
    assert np.mean([row["loss"] for row in rows]) == pytest.approx(field.loss[2, 2], rel=1e-5)
    assert (told["coupled"], told["has_masks"]) == (
        (run, mode) == ("batchnorm", "train"),
        (run, mode) == ("dropout", "train"),
    )
    for k, share in enumerate((field.x_active, field.y_active)):
        assert np.mean([row["active"][k] for row in rows]) == pytest.approx(share)
    if rows[0]["share"] is not None:
        assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_the_fields_of_a_row_are_what_the_network_reads(tiny_store: RunStore):
    told = answered(tiny_store, minibatch=1)
    minibatch = tiny_store.run("none").minibatch(1, 16)
    assert [row["row"] for row in told["rows"]] == minibatch.rows_B.tolist()
    assert [row["target"] for row in told["rows"]] == minibatch.targets_B.tolist()
    for row, inputs_I in zip(told["rows"], minibatch.inputs_BI, strict=True):
        codes = np.concatenate([text_codes([row["text"][field.name]], field.width) for field in FIELDS], 1)
        assert torch.equal(one_hot(codes)[0], inputs_I)


def test_rows_of_a_recorded_run_have_images_numbers_and_classes(compute: LocalCompute):
    asked = RowsQuestion(
        request=LandscapeRequest.of(run="net", epoch=1, x="conv1.weight[2,0,1,1]", y="conv2.bias[3]", minibatch=2)
    )
    told = json.loads(compute.ask(asked))
    RowsAnswer.model_validate(told)
    run = compute.store.any_run("net")
    images, labels = run.minibatch(2)  # pyright: ignore[reportGeneralTypeIssues, reportAssignmentType]
    model = run.model(1)
    rows = told["rows"]
    assert [row["row"] for row in rows] == list(range(24, 36))
    assert [row["target"] for row in rows] == labels.tolist()
    assert [row["prediction"] for row in rows] == model(images).argmax(1).tolist()  # pyright: ignore[reportCallIssue]
    assert told["has_classes"]
    pixels = np.stack([np.frombuffer(base64.b64decode(row["image"]["pixels"]), np.uint8) for row in rows])
    shade = images.flatten(1).numpy()
    wanted = 255 * (shade - shade.min()) / (shade.max() - shade.min())
    np.testing.assert_allclose(pixels, wanted, atol=0.51)
    active = torch.relu(model.conv2(torch.relu(model.norm(model.conv1(images)))))[:, 3].flatten(1).gt(0).any(1)  # pyright: ignore
    assert [row["active"][1] for row in rows] == active.tolist()
    losses = torch.nn.functional.cross_entropy(model(images), labels, reduction="none")  # pyright: ignore[reportCallIssue]
    assert [row["loss"] for row in rows] == pytest.approx(losses.tolist(), rel=1e-5)


def test_what_couples_rows_is_said(tiny_store: RunStore):
    assert answered(tiny_store)["sentence"] == row_list.OWN
    beta = "hidden.1.norm.bias[0]"
    assert answered(tiny_store, run="batchnorm", mode="train", x=beta)["sentence"] == row_list.COUPLED
    assert answered(tiny_store, run="batchnorm", mode="train")["sentence"].startswith(row_list.ZERO)
    assert row_list.MASKS in answered(tiny_store, run="dropout", mode="train")["sentence"]


def test_along_directions_the_rows_add_up_too(tiny_store: RunStore):
    directions = {"x": "gradient:0", "y": "random:1", "half_width": 1.0}
    told = answered(tiny_store, **directions)
    field = Workbench(tiny_store, device="cpu").landscape(question(**directions).request)
    assert (told["u"], told["v"]) == pytest.approx(field.centre, rel=1e-4, abs=1e-7)
    assert told["rows"][0]["active"] == [None, None]


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [question(), question(epoch=2), question(mode="train"), question(minibatch=1), question(x="output.bias[0]")]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)


def test_what_is_not_there_is_told(tiny_store: RunStore):
    with pytest.raises(UserError, match="minibatch"):
        answered(tiny_store, minibatch=999)


def test_what_it_takes_grows_with_the_chosen_rows_and_the_sets_of_masks(tiny_store: RunStore):
    def passes(**values: object) -> float:
        return question(**{"minibatch_size": 64} | values).passes(tiny_store)

    assert passes(rows=list(range(256))) == 4 * passes()
    averaged = {"run": "dropout", "mode": "train", "masks": "averaged", "num_masks": 8}
    assert passes(**averaged) == 8 * passes(run="dropout", mode="train", masks="frozen")
    directions = {"run": "dropout", "mode": "train", "x": "random:1", "y": "random:2"}
    one, two, three, five = (passes(**directions | {"masks": "averaged", "num_masks": k}) for k in (1, 2, 3, 5))
    assert (three - one, five - one) == pytest.approx((2 * (two - one), 4 * (two - one)))
    assert two > one
    assert passes(**directions, rows=list(range(256))) > passes(**directions)
