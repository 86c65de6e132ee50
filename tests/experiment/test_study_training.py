"""A study that brings a recipe is trained as deliveries are: the same bytes again, also after a stop at any step."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gradviz
from gradviz.cli import main
from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.optimizers import SGD, Adam, AdamW
from gradviz.experiment.outcome import TrainingProgress
from gradviz.experiment.randomness import derived_seed
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy, load_study
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import StudyTraining, train_studies
from gradviz.experiment.study_training import StudyPlan, train_study


class Net(nn.Module):
    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(dropout), nn.Linear(8, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)


def rows(seed: int) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(50, 3, generator=generator)
    return (inputs[:40], inputs[:40].argmax(1)), (inputs[40:], inputs[40:].argmax(1))


STUDY = gradviz.Study(
    "largest", Net, gradviz.CrossEntropy(), train=gradviz.Recipe(rows, epochs=3, batch_size=16, variants={"a": {}})
)


def plan(**changes: Any) -> StudyPlan:
    values: dict[str, Any] = {
        "study": STUDY,
        "arguments": {},
        "optimizer": AdamW(learning_rate=0.01),
        "batch_size": 16,
        "epochs": 3,
        "seed": 0,
    }
    return StudyPlan(**(values | changes))


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith("trainer."))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("whole")
    assert train_studies(root, [StudyTraining("a", plan()), StudyTraining("b", plan(seed=1))], device="cpu").finished
    return contents(root)


def test_an_epoch_is_the_loop_that_anyone_would_write():
    """The plain loop with the same draws: the order that the study's loss sees, and one seed for an epoch's masks."""
    drawn: list[Tensor] = []

    def loss(model: nn.Module, batch: Any) -> Tensor:
        if model.training:
            drawn.append(batch[0])
        return gradviz.CrossEntropy()(model, batch)

    spied = gradviz.Study("largest", Net, loss, facts=gradviz.CrossEntropy().facts, train=STUDY.train)
    given = plan(study=spied, optimizer=SGD(learning_rate=0.1, momentum=0.5), epochs=2)
    first, *epochs = train_study(given, rows(0), device=torch.device("cpu"))
    inputs, targets = rows(0)[0]
    order = [[inputs.tolist().index(row) for row in batch.tolist()] for batch in drawn]
    assert [len(batch) for batch in order] == [16] * 4  # 40 rows in minibatches of 16, in each of two epochs
    assert len({*order[0], *order[1]}) == len({*order[2], *order[3]}) == 32
    assert order[:2] != order[2:]

    model = asking.made_model(STUDY)
    model.load_state_dict(first.state)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.5, fused=True)
    for epoch, used in zip(epochs, (order[:2], order[2:]), strict=True):
        model.train()
        with torch.random.fork_rng():
            torch.manual_seed(derived_seed(derived_seed(0, "masks") + epoch.epoch, "masks"))
            for batch in used:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs[batch]), targets[batch], reduction="none").mean().backward()
                optimizer.step()
        own = model.eval().state_dict()
        assert all(torch.equal(own[name], tensor) for name, tensor in epoch.state.items())
        with torch.no_grad():
            logits = model(inputs)
        # The mean of 40 float32 losses, summed in another precision.
        mean = nn.functional.cross_entropy(logits, targets).item()
        assert epoch.metrics["train_loss"] == pytest.approx(mean, rel=1e-6)
        assert epoch.metrics["train_accuracy"] == (logits.argmax(1) == targets).double().mean().item()


def test_training_again_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, whole: dict[str, bytes]):
    def state() -> tuple[object, ...]:
        return torch.get_rng_state().sum().item(), str(np.random.get_state()), random.getstate()

    before = state()
    train_studies(tmp_path, [StudyTraining("a", plan()), StudyTraining("b", plan(seed=1))], device="cpu")
    assert state() == before
    assert contents(tmp_path) == whole
    assert whole["a/epoch-0000.safetensors"] != whole["b/epoch-0000.safetensors"]
    assert whole["a/minibatches.safetensors"] != whole["b/minibatches.safetensors"]


@pytest.mark.parametrize("num_steps", range(1, 14, 3))
def test_a_training_stopped_at_any_step_goes_on_bit_for_bit(tmp_path: Path, whole: dict[str, bytes], num_steps: int):
    trainings = [StudyTraining("a", plan()), StudyTraining("b", plan(seed=1))]
    stop, steps = StopRequest(), []

    def on_progress(progress: TrainingProgress) -> None:
        steps.append(progress)
        if len(steps) == num_steps:
            stop.ask()

    outcome = train_studies(tmp_path, trainings, device="cpu", on_progress=on_progress, stop=stop)
    assert not outcome.finished
    (tmp_path / "a" / "metrics.csv.partial").write_text("half")  # what a kill leaves
    assert train_studies(tmp_path, trainings, device="cpu").finished
    assert contents(tmp_path) == whole


def test_more_epochs_continue_a_run_and_a_damaged_end_trains_again(tmp_path: Path, whole: dict[str, bytes]):
    said: list[str] = []
    train_studies(tmp_path, [StudyTraining("a", plan(epochs=1))], device="cpu")
    train_studies(tmp_path, [StudyTraining("a", plan())], device="cpu", on_message=said.append)
    assert said == ["a: continues after epoch 1."]
    expected = {name: content for name, content in whole.items() if name.startswith("a/")}
    assert contents(tmp_path) == expected
    (tmp_path / "a" / "resume.safetensors").write_bytes(b"")
    train_studies(tmp_path, [StudyTraining("a", plan())], device="cpu", on_message=said.append)
    assert "a trains again from epoch 0" in said[-1]
    assert contents(tmp_path) == expected
    train_studies(tmp_path, [StudyTraining("a", plan())], device="cpu", on_message=said.append)
    assert said[-1] == "a: already trained for 3 epochs."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 1}, "seed: 0 there, 1 asked for"),
        ({"batch_size": 8}, "batch_size: 16 there, 8 asked for"),
        ({"optimizer": AdamW()}, "learning_rate: 0.01 there, 0.0003 asked for"),
        ({"optimizer": SGD(learning_rate=0.01)}, r"optimizer: adamw\(0.01\) there, sgd\(0.9\) asked for"),
        ({"arguments": {"dropout": 0.1}}, "arguments"),
    ],
)
def test_another_configuration_in_the_same_place_is_refused_unless_fresh(
    tmp_path: Path, changes: dict[str, Any], told: str
):
    train_studies(tmp_path, [StudyTraining("a", plan(epochs=1))], device="cpu")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=told):
        train_studies(tmp_path, [StudyTraining("a", plan(**changes))], device="cpu")
    assert contents(tmp_path) == before
    train_studies(tmp_path, [StudyTraining("a", plan(epochs=1, **changes))], device="cpu", fresh=True)
    run = RunStore(tmp_path, LoadedStudy(STUDY, "", "", {})).study_run("a")
    assert run.epochs() == [0, 1]
    assert run.broken() == []


def test_a_recorded_run_is_not_trained_over(tmp_path: Path):
    with gradviz.record(STUDY, Net(), tmp_path / "a", minibatches=[rows(0)[1]]) as run:
        run.epoch()
    before = contents(tmp_path)
    with pytest.raises(UserError, match="holds a run that this study did not train"):
        train_studies(tmp_path, [StudyTraining("a", plan())], device="cpu")
    assert contents(tmp_path) == before


def test_a_loss_that_is_not_finite_ends_the_training_with_the_remedy(tmp_path: Path):
    with pytest.raises(UserError, match=r"broke down in epoch 1.*smaller learning rate \(it was 1e\+08\)"):
        train_studies(
            tmp_path, [StudyTraining("a", plan(optimizer=SGD(learning_rate=1e8), batch_size=2))], device="cpu"
        )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rows": 3}, "`rows` of a recipe"),
        ({"threads": 0}, r"`threads` of a recipe must be in \[1, 4096\]"),
        ({"epochs": 0}, r"`epochs` of a recipe must be in \[1, 9999\]"),
        ({"batch_size": 1.5}, "`batch_size`"),
        ({"optimizer": "lion"}, "adam, adamw"),
        ({"variants": {}}, "`variants`"),
        ({"variants": {"two words": {}}}, "`variants`"),
    ],
)
def test_a_recipe_is_checked(changes: dict[str, Any], told: str):
    with pytest.raises(UserError, match=told):
        gradviz.Recipe(**(dict[str, Any](rows=rows) | changes))
    with pytest.raises(UserError, match=r"`train` of the study largest must be a `gradviz.Recipe`"):
        gradviz.Study("largest", Net, gradviz.CrossEntropy(), train=rows)  # pyright: ignore[reportArgumentType]


def test_the_command_trains_the_variants_and_tells_each_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    typed = ["train", "--study", "addition", "--runs", str(tmp_path), "--epochs", "1", "--batch-size", "1024"]
    typed += ["--variants", "addition"]
    assert main([*typed, "--name", "short", "--seed", "2", "--lr", "0.01", "--group", "g"]) == 0
    assert "short      epoch 1/1" in capsys.readouterr().out
    [run] = RunStore(tmp_path, load_study("addition")).study_runs()
    assert (run.record.seed, run.record.group, run.record.settings["learning_rate"]) == (2, "g", 0.01)
    assert run.record.settings["optimizer"] == "adamw(1.0)"
    assert not run.study_has_changed
    assert asking.descriptions(run.study, run.minibatch(0))[0].count("+") == 1
    for wrong, told in (
        (["--hidden", "3,4"], "`--hidden` belongs to the study deliveries"),
        (["--variants", "none"], "`variants` must name some of addition"),
        (["--optimizer", "lion"], "adam, adamw"),
        (["--lr", "-1"], "`lr` must be a positive number"),
        (["--seed", "-1"], "`seed`"),
        (["--name", "a b"], "`name`"),
        (["--study", "nothing"], "deliveries, digits, addition, or FILE.py:NAME"),
    ):
        assert main([*typed, *wrong]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["digits", "addition"])
def test_a_study_that_ships_fits_together(name: str):
    study = load_study(name).study
    assert study.train is not None
    train_rows, test_rows = study.train.rows(0)
    again, _ = study.train.rows(0)
    assert torch.equal(train_rows[0], again[0])
    assert not torch.equal(train_rows[0], study.train.rows(1)[0][0])
    assert len(train_rows[0]) + len(test_rows[0]) == {"digits": 1797, "addition": 97 * 97}[name]
    few = (train_rows[0][:5], train_rows[1][:5])
    for arguments in study.train.variants.values():
        model = asking.made_model(study, arguments)
        assert asking.losses(study, model, few).shape == (5,)
        assert [fact.name for fact in asking.facts(study, model, few)] == ["accuracy", "correct_rows"]
    assert len(asking.descriptions(study, few)) == 5


def test_a_recipe_may_say_how_many_threads_train(tmp_path: Path):
    seen: list[int] = []

    def loss(model: nn.Module, batch: Any) -> Tensor:
        seen.append(torch.get_num_threads())
        return gradviz.CrossEntropy()(model, batch)

    here = torch.get_num_threads()
    for threads, expected in ((2, 2), (None, here)):
        recipe = gradviz.Recipe(rows, epochs=1, threads=threads)
        counting = gradviz.Study("counting", Net, loss, train=recipe)
        seen.clear()
        train_studies(tmp_path / str(threads), recipe_trainings(counting), device="cpu")
        assert seen[-1] == expected
        assert torch.get_num_threads() == here
        [run] = RunStore(tmp_path / str(threads)).study_runs()
        assert run.record.settings["threads"] == expected


@pytest.mark.parametrize(
    ("optimizers", "told"),
    [({"b": "adam"}, "`optimizers` of a recipe must name some of its variants, a, got b"), ({"a": "lion"}, "adamw")],
)
def test_a_variant_may_have_an_optimizer_of_its_own(optimizers: dict[str, str], told: str):
    recipe = gradviz.Recipe(rows, variants={"a": {}, "b": {}}, optimizers={"b": "sgd(0.5)"})
    assert (recipe.optimizer_for("a"), recipe.optimizer_for("b")) == (Adam(), SGD(momentum=0.5))
    with pytest.raises(UserError, match=told):
        gradviz.Recipe(rows, variants={"a": {}}, optimizers=optimizers)


def test_the_variants_of_addition_differ_in_decay_or_dropout_alone():
    study = load_study("addition").study
    usual, dropped, free = recipe_trainings(study)
    assert str(usual.plan.optimizer) == str(dropped.plan.optimizer) == "adamw(1.0)"
    assert str(free.plan.optimizer) == "adamw(0.0)"
    assert [each.plan.arguments for each in (usual, dropped, free)] == [{}, {"dropout": 0.1}, {}]
    [changed] = recipe_trainings(study, ["addition-no-decay"], learning_rate=0.5, optimizer="adam")
    assert changed.plan.optimizer == Adam(learning_rate=0.5)
    assert study.train is not None
    batch = tuple(tensor[:8] for tensor in study.train.rows(0)[0])
    models = [asking.made_model(study, each.plan.arguments).train() for each in (usual, dropped)]
    models[1].load_state_dict(models[0].state_dict())
    with torch.no_grad():
        one, other = (asking.losses(study, model, batch) for model in models)
        assert not torch.equal(one, other)
        assert torch.equal(*(asking.losses(study, model.eval(), batch) for model in models))
        assert torch.equal(one, asking.losses(study, models[0].train(), batch))


@pytest.mark.slow
def test_addition_memorises_before_it_generalises_and_digits_learn(tmp_path: Path):
    assert main(["train", "--study", "addition", "--runs", str(tmp_path)]) == 0
    usual, dropped, free = (
        [line.values for line in RunStore(tmp_path).study_run(name).metrics()]
        for name in ("addition", "addition-dropout", "addition-no-decay")
    )
    assert any(line["train_accuracy"] > 0.95 and line["test_accuracy"] < 0.5 for line in usual)
    assert usual[-1]["test_accuracy"] > 0.99
    assert dropped[-1]["test_accuracy"] > 0.99
    assert max(line["train_accuracy"] for line in free) > 0.99
    assert max(line["test_accuracy"] for line in free) < 0.3
    assert main(["train", "--study", "digits", "--runs", str(tmp_path)]) == 0
    for name in ("digits-none", "digits-dropout", "digits-batchnorm"):
        assert RunStore(tmp_path).study_run(name).metrics()[-1].values["test_accuracy"] > 0.95
