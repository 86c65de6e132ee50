"""Parts of the evidence as questions: what is asked of them is what is measured, and kept answers stay valid."""

import hashlib
import json
from typing import get_args

import numpy as np

from gradviz.compute.evidence import LoopQuestion, PartQuestion
from gradviz.compute.kinds import LandscapeQuestion, question_of
from gradviz.compute.workbench import Workbench
from gradviz.evidence.measuring import doing
from gradviz.evidence.parts import LoopField, Part, PartAnswer, PartKind
from gradviz.experiment.store import RunStore
from gradviz.landscape import ENGINE_VERSION, GradientField, LandscapeRequest

PLANE = LandscapeRequest(run="none", epoch=2, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=3)
CHECKPOINT = Part("checkpoint", "none", 2, whole=True)


def test_each_part_is_asked_as_a_question_of_its_own():
    loop = LoopField(PLANE, "float64")
    assert question_of(CHECKPOINT) == PartQuestion(part="checkpoint", run="none", epoch=2, whole=True)
    assert question_of(loop) == LoopQuestion(request=PLANE, precision="float64")
    assert question_of(PLANE) == LandscapeQuestion(request=PLANE)
    assert doing(CHECKPOINT) == "agreement and roughness (none, epoch 2)"
    assert doing(Part("scene", "none", 2, scene="mid-none")) == "agreement in the picture mid-none (none, epoch 2)"
    assert doing(PLANE) == "landscapes of hidden layer 1 (none, epoch 2)"
    assert doing(loop) == "the plain loop in float64 (none, epoch 2)"


def test_the_address_of_a_part_is_that_of_version_0_1(tiny_store: RunStore):
    """The key was made of these values by version 0.1: what was measured since then stays valid."""
    values = {"kind": "evidence", "part": "checkpoint", "variant": "none", "epoch": 2, "scene": "", "whole": True}
    content = [ENGINE_VERSION, tiny_store.run("none").address(2), values, [3]]
    key = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=20).hexdigest()
    assert question_of(CHECKPOINT).key(tiny_store) == key


def test_a_kind_of_part_that_gives_other_numbers_has_a_version_of_its_own(tiny_store: RunStore):
    """Pairs of units that were live by round-off are measured anew, and nothing else."""
    parts: tuple[PartKind, ...] = get_args(PartKind)
    versions = {}
    for kind in parts:
        values = {"kind": "evidence", "part": kind, "variant": "none", "epoch": 2, "scene": "", "whole": False}
        for version in (3, 4):
            content = [ENGINE_VERSION, tiny_store.run("none").address(2), values, [version]]
            key = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=20).hexdigest()
            if question_of(Part(kind, "none", 2)).key(tiny_store) == key:
                versions[kind] = version
    assert versions == dict.fromkeys(parts, 3) | {"random-pairs": 4}


def test_a_whole_checkpoint_has_the_biases_agreement_and_that_of_all_parameters(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    few, many = (
        PartAnswer.model_validate_json(question_of(Part("checkpoint", "none", 2, whole=whole)).answer(bench)).checkpoint
        for whole in (False, True)
    )
    assert few is not None
    assert many is not None
    assert [each.scope for each in few.agreements] == ["pair 1", "pair 2", "biases 1", "biases 2"]
    assert [each.scope for each in many.agreements][4:] == ["layer 1", "layer 2", "model"]
    assert many.agreements[:4] == few.agreements
    line = tiny_store.run("none").metrics()[2]
    assert (few.train_loss, few.test_loss, few.test_r2) == (line.train_loss, line.test_loss, line.test_r2)


def test_the_loop_has_two_precisions_of_one_field(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    single, double = (
        GradientField.from_bytes(LoopQuestion(request=PLANE, precision=precision).answer(bench))
        for precision in ("float32", "float64")
    )
    assert not np.array_equal(single.u, double.u)
    np.testing.assert_allclose(single.u, double.u, rtol=1e-3)  # of float32's seven digits a sum of rows loses some


def test_the_null_model_is_asked_at_the_pictures_size_and_at_the_others(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    nulls, by_size = (
        PartAnswer.model_validate_json(question_of(Part(kind, "none", 2)).answer(bench)).nulls
        for kind in ("nulls", "nulls-by-size")
    )
    assert [(each.scope, each.minibatch_size, each.num_minibatches) for each in nulls] == [
        ("biases 1", 64, 3),
        ("biases 2", 64, 3),
    ]
    # of 240 training rows no two minibatches of 256 or more can be made
    assert [(each.scope, each.minibatch_size, each.num_minibatches) for each in by_size] == [
        ("biases 1", 16, 15),
        ("biases 2", 16, 15),
    ]


def test_the_masks_share_is_that_of_both_layers_at_sixteen_minibatches_at_most(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    splits = PartAnswer.model_validate_json(question_of(Part("masks", "dropout", 2)).answer(bench)).mask_splits
    assert [(each.scope, each.epoch) for each in splits] == [("biases 1", 2), ("biases 2", 2)]
    assert {(each.num_minibatches, each.num_masks) for each in splits} == {(3, 4)}


def test_the_moved_bias_balances_the_signs(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    content = question_of(Part("intervention", "none", 2)).answer(bench)
    found = PartAnswer.model_validate_json(content).interventions
    assert {(each.run, each.epoch) for each in found} == {("none", 2)}
    before, after = found[0].before.share_below, found[0].after.share_below
    assert before is not None
    assert after is not None
    assert abs(after - 0.5) < 0.01 < abs(before - 0.5)
