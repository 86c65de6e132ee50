"""Landscapes computed here: the same numbers as the library, from the cache the second time, for many at once."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gradviz.compute import kinds, workbench
from gradviz.compute.cache import FieldCache
from gradviz.compute.kinds import QUESTION, ActivityQuestion, LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.turns import asked_by
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.regularizers import Dropout
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape import (
    GradientField,
    LandscapeRequest,
    LandscapeSpec,
    Minibatch,
    gradient_landscape,
    share_layers_below,
    unit_activity,
)

REQUEST = LandscapeRequest.of(
    run="none", epoch=1, x="hidden.1.linear.bias[0]", y="hidden.2.linear.weight[1,2]", points=5
)
ARRAYS = ("x", "y", "u", "v", "loss", "is_zero", "zero_reason")


@pytest.fixture
def compute(tiny_store: RunStore, tmp_path: Path):
    with FieldCache(tmp_path / "cache") as cache:
        yield LocalCompute(tiny_store, cache, device="cpu")


def of_the_library(store: RunStore, request: LandscapeRequest) -> GradientField:
    run = store.run(request.run)
    minibatch = run.minibatch(request.minibatch, request.minibatch_size)
    return gradient_landscape(run.model(request.epoch), minibatch.inputs_BI, minibatch.targets_B, request.spec())


def assert_same(one: GradientField, other: GradientField) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"run": "dropout", "mode": "train", "masks": "frozen", "seed": 3},
        {"run": "dropout", "mode": "train", "masks": "fresh"},
        {"run": "batchnorm", "mode": "train", "x": "hidden.1.norm.bias[0]"},
        {"minibatch": 2, "minibatch_size": 16},
    ],
    ids=str,
)
def test_numbers_are_those_of_the_library(compute: LocalCompute, tiny_store: RunStore, changes: dict):
    request = REQUEST.model_copy(update=changes)
    assert_same(compute.landscape(request), of_the_library(tiny_store, request))


def test_second_answer_comes_from_the_cache(compute: LocalCompute, monkeypatch: pytest.MonkeyPatch):
    first = compute.landscape(REQUEST)

    def fail(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(Workbench, "minibatch", fail)
    assert_same(compute.landscape(REQUEST), first)


def test_selections_do_not_disturb_each_other(compute: LocalCompute, tiny_store: RunStore):
    train_mode = REQUEST.model_copy(update={"run": "batchnorm", "mode": "train"})
    eval_mode = REQUEST.model_copy(update={"run": "batchnorm"})
    for request in (train_mode, eval_mode, REQUEST):
        assert_same(compute.landscape(request), of_the_library(tiny_store, request))


def test_sweep_gives_each_epoch(compute: LocalCompute, tiny_store: RunStore):
    fields = dict(compute.sweep(REQUEST, [2, 0]))
    assert list(fields) == [2, 0]
    for epoch, field in fields.items():
        assert_same(field, of_the_library(tiny_store, REQUEST.model_copy(update={"epoch": epoch})))


def test_minibatches_gives_each_minibatch(compute: LocalCompute, tiny_store: RunStore):
    fields = dict(compute.minibatches(REQUEST, range(3)))
    assert list(fields) == [0, 1, 2]
    assert_same(fields[2], of_the_library(tiny_store, REQUEST.model_copy(update={"minibatch": 2})))


def test_minibatches_share_one_forward_pass(compute: LocalCompute, monkeypatch: pytest.MonkeyPatch):
    shared: list[int] = []

    def note(minibatches: Sequence[Minibatch], spec: LandscapeSpec) -> None:
        shared.append(len(minibatches))
        share_layers_below(minibatches, spec)

    monkeypatch.setattr(workbench, "share_layers_below", note)
    compute.landscape(REQUEST.model_copy(update={"minibatch": 1}))
    assert len(list(compute.minibatches(REQUEST, range(3)))) == 3
    assert shared == [2]  # minibatch 1 is in the cache


def test_a_stream_that_is_closed_cancels_what_was_asked_ahead(compute: LocalCompute, monkeypatch: pytest.MonkeyPatch):
    cancelled: list[int] = []
    monkeypatch.setattr(compute, "cancel", lambda ticket: cancelled.append(ticket.question.request.epoch))
    fields = compute.sweep(REQUEST, [0, 1, 2])
    next(fields)
    fields.close()  # pyright: ignore[reportAttributeAccessIssue]  (a generator)
    assert cancelled == [1, 2]


@pytest.mark.parametrize("missing", [(), (0,), (1, 2), (3,), (0, 1, 2, 3)])
def test_outcomes_have_an_error_in_the_place_of_an_answer(compute: LocalCompute, missing: tuple[int, ...]):
    requests = [REQUEST.model_copy(update={"epoch": 999 if n in missing else 1, "seed": n}) for n in range(4)]
    found = list(compute.outcomes([LandscapeQuestion(request=request) for request in requests], together=2))
    assert [isinstance(outcome, UserError) for outcome in found] == [n in missing for n in range(4)]
    for outcome, request in zip(found, requests, strict=True):
        if isinstance(outcome, bytes):
            assert_same(GradientField.from_bytes(outcome), compute.landscape(request))


def test_all_questions_of_a_request_wait_since_it_arrived(compute: LocalCompute):
    questions = [LandscapeQuestion(request=REQUEST.model_copy(update={"epoch": epoch})) for epoch in (0, 1)]
    with asked_by("", began := time.monotonic() - 60):
        tickets = compute.submit(questions, "sweep") + compute.submit(questions[:1])
    assert {ticket.since for ticket in tickets} == {began}
    assert all(ticket.since and ticket.since > began for ticket in compute.submit(questions))


def test_progress_tells_what_is_done(compute: LocalCompute):
    [ticket] = compute.submit([LandscapeQuestion(request=REQUEST)])
    assert compute.progress(ticket) == "waiting"
    content = compute.result(ticket)
    assert compute.progress(ticket) == "done"
    assert content == compute.ask(ticket.question)


def test_every_kind_of_question_survives_its_message():
    for question in (LandscapeQuestion(request=REQUEST), ActivityQuestion(run="none", epoch=1)):
        assert QUESTION.validate_json(question.model_dump_json()) == question


def test_reference_agrees_with_the_engine(compute: LocalCompute):
    engine, reference = compute.landscape(REQUEST), compute.bench.reference(REQUEST)
    # float32 sums in another order: 1e-5 of the largest.
    np.testing.assert_allclose(engine.u, reference.u, atol=1e-5 * np.abs(reference.u).max())


def test_activity_is_that_of_the_library_and_cached(
    compute: LocalCompute, tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch
):
    run = tiny_store.run("batchnorm")
    expected = unit_activity(run.model(2), run.training_inputs(limit=kinds.ACTIVITY_ROWS))
    shares = compute.activity("batchnorm", 2)
    assert [len(share) for share in shares] == [20, 10, 5]
    monkeypatch.setattr(kinds, "unit_activity_of", None)
    for share, again, wanted in zip(shares, compute.activity("batchnorm", 2), expected, strict=True):
        np.testing.assert_allclose(share, wanted.cpu().numpy(), rtol=1e-6)
        np.testing.assert_array_equal(share, again)


def test_key_tells_runs_apart_that_share_their_initialisation(tiny_store: RunStore, tmp_path: Path):
    # One seed gives one initialisation, whatever the dropout rate; the landscapes differ all the same.
    [config] = run_configs(epochs=1, rows=300, hidden=(20, 10, 5), variants=("dropout",))
    train(tmp_path / "runs", [config.model_copy(update={"regularizer": Dropout(p=0.6)})], device="cpu")
    request = REQUEST.model_copy(update={"run": "dropout", "epoch": 0, "mode": "train"})
    with FieldCache(tmp_path / "cache") as cache:
        other = LocalCompute(RunStore(tmp_path / "runs"), cache, device="cpu")
        here = LocalCompute(tiny_store, cache, device="cpu")
        digests = {store.run("dropout").digest(0) for store in (other.store, here.store)}
        assert len(digests) == 1
        assert other.key(request) != here.key(request)


def test_new_content_of_a_checkpoint_is_seen(own_runs: Path, tmp_path: Path):
    with FieldCache(tmp_path / "cache") as cache:
        compute = LocalCompute(RunStore(own_runs), cache, device="cpu")
        first = compute.landscape(REQUEST)
        shutil.copy(own_runs / "none" / "epoch-0002.safetensors", own_runs / "none" / "epoch-0001.safetensors")
        second = compute.landscape(REQUEST)
        assert_same(second, compute.landscape(REQUEST.model_copy(update={"epoch": 2})))
        assert not np.array_equal(first.u, second.u)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"run": "other"}, "run"),
        ({"epoch": 9}, "0-2"),
        ({"minibatch": 99}, "minibatch"),
        ({"x": "hidden.1.linear.bias[10]"}, "0..9"),
        ({"run": "none", "x": "hidden.1.norm.bias[0]"}, "norm"),
    ],
    ids=str,
)
def test_what_is_not_there_is_one_clear_sentence(compute: LocalCompute, changes: dict, named: str):
    with pytest.raises(UserError, match=named.replace(".", r"\.")):
        compute.landscape(REQUEST.model_copy(update=changes))
