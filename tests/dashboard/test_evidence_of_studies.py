"""Claims as the runs of another study allow them: measured on its own networks, absent with a reason where they lack
something."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradviz
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard.evidence_answers import ClaimsAnswer, VerdictAnswer
from gradviz.dashboard.evidence_api import told
from gradviz.dashboard.factory import create_server
from gradviz.errors import UserError
from gradviz.evidence import rules, scenes
from gradviz.evidence.claims.studies import OF_STUDIES, claims_of
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN
from gradviz.evidence.studied_runs import StudiedRuns, pairs_of
from gradviz.experiment.anatomy import anatomy_of
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.addition.study import AdditionNet
from gradviz.experiment.studies.digits.study import STUDY, DigitsNet
from gradviz.landscape.run_problems import problems_of_run
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics import problem_agreement
from gradviz.settings import Settings

VARIANTS: dict[str, dict[str, Any]] = {"plain": {}, "masks": {"dropout": 0.3}, "norm": {"norm": True}}
LOSSES = [2.3, 0.2, 0.1, 0.05]


def record(path: Path, name: str, arguments: dict[str, Any], losses: list[float]) -> None:
    """A run of a few steps, with these training losses."""
    made = torch.Generator().manual_seed(1)
    pixels = torch.rand(3, 8, 1, 8, 8, generator=made)
    digits = torch.randint(10, (3, 8), generator=made)
    batches = list(zip(pixels, digits, strict=True))
    torch.manual_seed(0)
    arguments = {"channels": 4, **arguments}
    model = DigitsNet(**arguments)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    first, *others = losses
    with gradviz.record(STUDY, model, path / name, minibatches=batches, arguments=arguments) as run:
        for loss in others:
            for batch in batches:
                optimizer.zero_grad()
                STUDY.loss(model, batch).mean().backward()
                optimizer.step()
            run.epoch(train_loss=loss)
    table = path / name / "metrics.csv"
    header, rest = table.read_text().split("\n", 1)
    table.write_text(f"{header}\n0,{first},\n{rest}")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "BATCHNORM_EPOCH", 3)  # the last one


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs")
    for name, arguments in VARIANTS.items():
        record(path, name, arguments, LOSSES)
    return path


@pytest.fixture
def compute(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalCompute:
    monkeypatch.setattr(scenes, "ROUGHNESS_MINIBATCHES", 1)  # of the eight, to be quick
    return LocalCompute(RunStore(runs), FieldCache(tmp_path / "cache"), device="cpu")


def measured(key: str, compute: LocalCompute) -> dict[str, Any]:
    """The answer once all is measured."""
    while (answer := told(key, compute, compute.store))["state"] == "measuring":
        VerdictAnswer.model_validate(answer)
    return VerdictAnswer.model_validate(answer).model_dump()


def test_models_play_the_roles_by_what_they_do(compute: LocalCompute):
    studied = StudiedRuns.of(compute.store, "digits")
    assert {role: run.name for role, run in studied.runs.items()} == {
        PLAIN: "plain",
        DROPOUT: "masks",
        BATCHNORM: "norm",
    }
    assert studied.mid_training() == (1, 2)
    assert studied.mid_epochs["plain"] == 2


def test_all_claims_but_that_on_deliveries_are_allowed(compute: LocalCompute):
    allowed, absent = claims_of(StudiedRuns.of(compute.store, "digits"))
    assert len(allowed) == 10
    found = [(each.key, each.reason) for each in absent if not each.key.startswith("digits.path-")]
    assert found == [
        ("digits.accurate", "It is about the rows of deliveries."),
        ("digits.chosen-rows", "It is about the rows of deliveries."),
        ("digits.norm-drift", "It is measured in runs of deliveries alone."),
    ]
    assert all(claim.question.startswith("digits: ") for claim in allowed)


def test_r_at_the_start_is_that_of_the_planes_shown_first(compute: LocalCompute):
    answer = measured("digits.start", compute)
    run = compute.store.study_run("plain")
    suggested = run.anatomy.suggested()
    assert suggested is not None
    pairs = [(Scalar.parse(x), Scalar.parse(y)) for x, y in (suggested["a"], suggested["b"])]
    problems = problems_of_run(run, 0, torch.device("cpu"), mode="eval")
    found = problem_agreement(problems, np.random.default_rng(0), parts=(), pairs=pairs).values()
    wanted = [each.resultant.value for each in found if each.resultant is not None]
    assert len(wanted) == 2
    assert [figure["value"] for figure in answer["figures"]] == wanted
    assert [figure["name"] for figure in answer["figures"]] == [
        f"R, {pair[0].name.rpartition('.')[0]}" for pair in pairs
    ]
    assert answer["verdict"] == ("holds" if min(wanted) >= 0.9 else "does not hold")
    assert "variant=plain" in answer["figures"][0]["address"]
    assert "3 minibatches of 8 rows" in answer["figures"][0]["sample"]


def test_during_training_every_checkpoint_of_mid_training_counts(compute: LocalCompute):
    answer = measured("digits.mid-training", compute)
    assert answer["figures"][0]["sample"] == "of 2 of mid-training"
    assert answer["verdict"] in ("holds", "holds at some checkpoints", "does not hold")


def test_the_null_model_explains_random_minibatches(compute: LocalCompute):
    answer = measured("digits.composition", compute)
    own, random, sensitivity = (figure["value"] for figure in answer["figures"])
    assert sensitivity == pytest.approx((1 - own) / (1 - random))
    assert answer["figures"][1]["low"] <= random <= answer["figures"][1]["high"]
    assert answer["verdict"] == (
        "holds" if own < answer["figures"][1]["low"] else "holds; its size is that of sampling noise"
    )


def test_the_step_depends_on_the_minibatch_by_the_whole_gradients(compute: LocalCompute):
    [figure] = measured("digits.sgd", compute)["figures"]
    run = compute.store.study_run("plain")
    assert figure["sample"].startswith(f"all {run.record.num_parameters:,} parameters, 3 minibatches")
    assert "part=model" in figure["address"]


def test_roughness_by_masks_is_that_of_fresh_over_frozen_ones(compute: LocalCompute):
    answer = measured("digits.dropout-rough", compute)
    *angles, ratio = answer["figures"]
    fresh, frozen, plain = (sum(each["value"] for each in angles[k : k + 2]) / 2 for k in (0, 2, 4))
    assert ratio["value"] == pytest.approx(fresh / frozen)
    assert fresh > 3 * max(frozen, plain)
    assert answer["verdict"] == "mask noise, not landscape"


def test_arrows_of_biases_before_a_norm_are_round_off(compute: LocalCompute):
    answer = measured("digits.batchnorm-rough", compute)
    assert answer["verdict"] == "artefact of float32 round-off"
    assert answer["figures"][0]["value"] == 1.0
    assert answer["figures"][0]["sample"] == "conv2.bias[0]"


@pytest.mark.parametrize("key", ["dropout-minibatches", "dropout-start", "batchnorm-like-dropout"])
def test_every_other_claim_gets_a_verdict(compute: LocalCompute, key: str):
    answer = measured(f"digits.{key}", compute)
    assert answer["state"] == "measured"
    assert answer["figures"]


def test_pairs_are_those_before_and_in_the_norm():
    anatomy = anatomy_of(DigitsNet(norm=True))
    assert pairs_of(anatomy, "before the norm") == (("conv2.bias[0]", "conv2.bias[1]"),)
    assert pairs_of(anatomy, "in the norm") == (("norm2.bias[0]", "norm2.bias[1]"),)
    assert pairs_of(anatomy_of(AdditionNet()), "in the norm") == ()


def test_what_the_runs_lack_is_the_reason_why_a_claim_is_absent(tmp_path: Path):
    record(tmp_path / "runs", "alone", {}, [2.3, 2.2])
    store = RunStore(tmp_path / "runs")
    allowed, absent = claims_of(StudiedRuns.of(store, "digits"))
    assert [claim.key.removeprefix("digits.") for claim in allowed] == ["start"]
    reasons = {each.key: each.reason for each in absent}
    assert reasons["digits.dropout-rough"].startswith("The study digits has no run whose model draws masks")
    (tmp_path / "runs" / "alone" / "epoch-0000.safetensors").unlink()
    [start] = [
        each for each in claims_of(StudiedRuns.of(RunStore(tmp_path / "runs"), "digits"))[1] if "start" in each.key
    ][:1]
    assert start.reason == "The run alone has no checkpoint of epoch 0: train it again, in Training."
    compute = LocalCompute(store, FieldCache(tmp_path / "cache"), device="cpu")
    with pytest.raises(UserError, match="The run alone has no checkpoint of mid-training yet: train more epochs"):
        told("digits.mid-training", compute, store)


def test_the_list_has_the_claims_of_the_runs_that_are_there(runs: Path, tiny_runs: Path, tmp_path: Path):
    settings = Settings(runs=runs, cache_dir=tmp_path / "cache", read_only=True)
    client = create_server(settings).test_client()
    answer = ClaimsAnswer.model_validate_json(client.get("/api/v1/evidence").data)
    assert len(answer.claims) == 10
    assert [each.null for each in answer.claims] == [each.beside.null for each in OF_STUDIES.values()]
    assert {claim.key.split(".")[0] for claim in answer.claims} == {"digits"}
    assert client.get("/api/v1/evidence/digits.sgd").status_code == 200
    assert b"It is about the rows of deliveries" in client.get("/api/v1/evidence/digits.accurate").data
    assert client.get("/api/v1/evidence/others.sgd").status_code == 422
    both = tmp_path / "both"
    both.mkdir()
    for path in (*runs.iterdir(), tiny_runs / "none"):
        (both / path.name).symlink_to(path)
    client = create_server(settings.model_copy(update={"runs": both})).test_client()
    keys = [claim["key"] for claim in json.loads(client.get("/api/v1/evidence").data)["claims"]]
    assert keys[:2] == ["accurate", "start"]
    assert keys[17:19] == ["digits.start", "digits.mid-training"]


def test_a_study_that_is_not_loaded_has_no_claims(runs: Path, tmp_path: Path):
    record(tmp_path / "runs", "alone", {}, [2.3, 2.2])
    path = tmp_path / "runs" / "alone" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"study": "mine"}))
    allowed, absent = claims_of(StudiedRuns.of(RunStore(tmp_path / "runs"), "mine"))
    assert allowed == []
    of_deliveries = {"It is about the rows of deliveries.", "It is measured in runs of deliveries alone."}
    assert {each.reason for each in absent} - of_deliveries == {
        "The run alone is of the study mine: name its file with `--study FILE.py:NAME` or GRADVIZ_STUDY."
    }
    with pytest.raises(UserError, match="name its file"):
        told(
            "mine.start",
            LocalCompute(RunStore(tmp_path / "runs"), FieldCache(tmp_path / "c"), device="cpu"),
            RunStore(tmp_path / "runs"),
        )
