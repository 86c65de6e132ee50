"""Many runs in one directory: three seeds of two regularizers with two optimizers, each under a name of its own."""

import json
from itertools import product
from pathlib import Path

import pytest
import torch

from gradviz.cli import main
from gradviz.compute.background import of_deliveries
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard.overview import groups_of
from gradviz.dashboard.run_colours import run_colours
from gradviz.drawing.inks import PALETTES
from gradviz.errors import UserError
from gradviz.experiment.grouping import seed_groups
from gradviz.experiment.optimizers import SGD, Adam
from gradviz.experiment.regularizers import Dropout, Plain
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.taking_up import taken_up
from gradviz.experiment.studies.deliveries.trainer import train

SMALL = {"rows": 80, "hidden": (6, 5, 4), "batch_size": 16, "epochs": 1}


def configs() -> list[TrainingConfig]:
    named = []
    for seed, optimizer in product((0, 1, 2), ("adam", "sgd(0.5)")):
        kind = optimizer.partition("(")[0]
        named += run_configs(
            variants=["none", "dropout"],
            name=f"{kind}-{seed}",
            seed=seed,
            optimizer=optimizer,
            learning_rate=0.01,
            **SMALL,
        )
    return named


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    root = tmp_path_factory.mktemp("many")
    assert train(root, configs(), device="cpu").finished
    return RunStore(root)


def test_they_are_listed_by_regularizer_and_then_by_name(many: RunStore):
    names = [f"{kind}-{seed}" for kind, seed in product(("adam", "sgd"), (0, 1, 2))]
    assert many.names() == [f"{name}-none" for name in names] + [f"{name}-dropout" for name in names]
    config = many.run("sgd-2-dropout").config
    assert (config.regularizer, config.optimizer, config.seed) == (Dropout(), SGD(learning_rate=0.01, momentum=0.5), 2)
    assert many.run("adam-0-none").config.optimizer == Adam(learning_rate=0.01)
    assert config.title == "sgd-2-dropout"


def test_each_is_a_training_of_its_own(many: RunStore):
    states = [many.run(name).model(1).output.weight for name in many.names()]
    assert all(not torch.equal(one, other) for i, one in enumerate(states) for other in states[:i])
    starts = [many.run(name).model(0).output.weight for name in many.names() if "-1-" in name]
    assert all(torch.equal(start, starts[0]) for start in starts)


def test_seeds_of_one_configuration_are_found_together(many: RunStore):
    groups = seed_groups(many.run(name).config for name in many.names())
    assert [[config.seed for config in group.configs] for group in groups] == [[0, 1, 2]] * 4
    firsts = [many.run(group.configs[0].name).config for group in groups]
    assert [(config.regularizer.kind, config.optimizer.kind) for config in firsts] == list(
        product(("plain", "dropout"), ("adam", "sgd"))
    )
    assert [group.label for group in groups] == ["None, Adam", "None, SGD", "Dropout, Adam", "Dropout, SGD"]


def test_the_server_tells_the_groups_with_their_runs_seeds_and_colour(many: RunStore):
    colours = run_colours([run.config for run in many.runs()])
    told = groups_of(many.runs())
    assert [group["label"] for group in told] == ["None, Adam", "None, SGD", "Dropout, Adam", "Dropout, SGD"]
    assert [group["runs"] for group in told][1] == ["sgd-0-none", "sgd-1-none", "sgd-2-none"]
    assert [group["seeds"] for group in told] == [[0, 1, 2]] * 4
    assert [group["colour"] for group in told][1] == colours["sgd-0-none"]


@pytest.mark.parametrize(
    "change",
    [
        {"group": "others"},
        {"optimizer": Adam(learning_rate=0.02)},
        {"regularizer": Dropout(p=0.4)},
        {"rows": 81},
        {"seed": 0},  # the same training under another name
    ],
)
def test_what_differs_in_more_than_the_seed_or_not_even_in_it_stays_apart(many: RunStore, change: dict):
    first, second, third = (many.run(f"adam-{seed}-none").config for seed in (0, 1, 2))
    changed = second.model_copy(update=change)
    assert seed_groups([first, changed]) == []
    assert [group.configs for group in seed_groups([first, changed, third])] == [(first, third)]


def test_seeds_that_were_trained_for_longer_still_belong_together(many: RunStore):
    first, second = (many.run(f"adam-{seed}-none").config for seed in (0, 1))
    longer = second.model_copy(update={"epochs": 9, "label": "mine", "preset": "source"})
    assert [group.configs for group in seed_groups([first, longer])] == [(first, longer)]


def test_labels_of_groups_tell_no_more_than_sets_them_apart():
    def two(name: str, **values: object) -> list[TrainingConfig]:
        return [TrainingConfig(name=f"{name}-{seed}", seed=seed, **values) for seed in (0, 1)]  # pyright: ignore[reportArgumentType]

    def labels(*groups: list[TrainingConfig]) -> list[str]:
        return [group.label for group in seed_groups(config for group in groups for config in group)]

    slow = {"optimizer": Adam(learning_rate=1e-5)}
    assert labels(two("a"), two("b", group="mine")) == ["None, Adam", "mine"]
    assert labels(two("a"), two("b", **slow)) == [
        "None, Adam, learning rate 0.0003",
        "None, Adam, learning rate 1e-05",
    ]
    assert labels(two("a", group="mine"), two("b", group="mine", **slow)) == [
        "mine: None, Adam, learning rate 0.0003",
        "mine: None, Adam, learning rate 1e-05",
    ]
    assert labels(two("a"), two("b", rows=80)) == [
        "None, Adam, learning rate 0.0003, as a-0",
        "None, Adam, learning rate 0.0003, as b-0",
    ]


def test_each_has_a_colour_and_the_usual_runs_keep_theirs(many: RunStore):
    others = [many.run(name).config for name in many.names()]
    colours = run_colours(others)
    assert len({tuple(colour.values()) for colour in colours.values()}) == len(others) == 12
    with_usual = run_colours([*others[:3], *run_configs(**SMALL)])
    for slot, name in enumerate(("none", "dropout", "batchnorm")):
        assert with_usual[name] == {scheme: palette.runs[slot] for scheme, palette in PALETTES.items()}
    assert len({colour["light"] for colour in run_colours([*others, *run_configs(**SMALL)]).values()}) == 12


def test_the_list_for_programs_tells_all_of_them(many: RunStore, capsys: pytest.CaptureFixture[str]):
    assert main(["runs", "--runs", str(many.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told] == many.names()
    assert {one["last_epoch"] for one in told} == {1}
    assert TrainingConfig.model_validate(told[-1]["config"]) == many.run("sgd-2-dropout").config
    assert main(["runs", "--runs", str(many.root)]) == 0
    assert "sgd(0.5)" in capsys.readouterr().out


def test_a_background_training_goes_on_with_those_that_have_begun(many: RunStore, tmp_path: Path):
    """Nobody who trained runs with names asked for the usual three; beside a usual one, all are wanted."""
    usual = run_configs(**SMALL)
    assert [config.name for config in taken_up(many, usual)] == many.names()
    assert TrainerProcess(many.root).status().state == "finished"
    both = run_configs(variants=["none"], **SMALL) + run_configs(variants=["none"], name="other", seed=3, **SMALL)
    train(tmp_path, both, device="cpu")
    wanted = taken_up(RunStore(tmp_path), usual)
    assert [config.name for config in wanted] == ["none", "dropout", "batchnorm", "other"]
    assert [config.seed for config in wanted] == [0, 0, 0, 3]
    assert TrainerProcess(tmp_path).status().state == "stopped"


def test_one_is_deleted_by_its_name(tmp_path: Path):
    train(tmp_path, run_configs(variants=["none", "dropout"], name="mine", **SMALL), device="cpu")
    trainer = TrainerProcess(tmp_path, of_deliveries(("none",)))
    assert [run.name for run in trainer.delete("mine-dropout").progress] == ["mine-none"]
    assert RunStore(tmp_path).names() == ["mine-none"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "../none"}, "`name`.*'../none'"),
        ({"name": ""}, "`name`"),
        ({"label": "two\nlines"}, "`label` must be one line"),
        ({"group": "a b"}, "`group`"),
        ({"optimizer": "rmsprop"}, r"`optimizer` must be one of adam, adamw\(weight_decay\), sgd\(momentum\), got"),
        ({"optimizer": "sgd(2)"}, "`optimizer` sgd: `momentum`.*less than 1"),
        ({"optimizer": "adam(0.9)"}, "`optimizer` adam has no setting in brackets"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict, says: str):
    with pytest.raises(UserError, match=says):
        run_configs(variants=["none"], **changes)


@pytest.mark.parametrize("optimizer", ["adam", "adamw(0.1)", "sgd", "sgd(0)"])
def test_a_training_that_was_broken_off_goes_on_bit_for_bit(tmp_path: Path, optimizer: str):
    def configs_of(epochs: int) -> list[TrainingConfig]:
        changes = SMALL | {"epochs": epochs, "optimizer": optimizer, "learning_rate": 0.01}
        return run_configs(variants=["dropout"], name="one", **changes)

    for epochs in (1, 3):
        train(tmp_path / "parts", configs_of(epochs), device="cpu")
    train(tmp_path / "whole", configs_of(3), device="cpu")
    parts, whole = (tmp_path / place / "one" for place in ("parts", "whole"))
    for name in ("epoch-0003.safetensors", "resume.safetensors"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_without_a_regularizer_plain_is_a_name_too():
    assert run_configs(variants=["plain"])[0].regularizer == run_configs(variants=["none"])[0].regularizer == Plain()
