"""Paths of stored runs: exact where they must be, computed once, and the same bytes after any kill."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import gradviz
from gradviz.compute.paths import continuation_of, paths
from gradviz.errors import UserError
from gradviz.experiment.interruption import Stopped, StopRequest
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import train_studies
from gradviz.landscape.paths.progress import PathsProgress
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.schedule import schedule
from tests.disk import no_wait_for_the_disk

STEPS = 8


_no_wait = pytest.fixture(autouse=True, scope="module")(no_wait_for_the_disk)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, _no_wait: None) -> Path:
    """A run of each variant of three epochs of eight steps."""
    root = tmp_path_factory.mktemp("runs")
    configs = run_configs(epochs=3, rows=160, hidden=(9, 7, 5), batch_size=16, learning_rate=1e-3)
    assert train(root, configs, device="cpu").finished
    return root


@pytest.fixture
def store(runs: Path) -> RunStore:
    return RunStore(runs)


def asked(run: str = "none", epoch: int = 1, **changes: object) -> PathsRequest:
    return PathsRequest.of(run=run, epoch=epoch, **({"replicas": 3} | changes))


def answers(directory: Path) -> dict[str, bytes]:
    """Every file that a finished job leaves."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_the_same_minibatches_lead_to_the_next_checkpoint_and_nowhere_else(
    store: RunStore, tmp_path: Path, name: str, epochs: int
):
    found = paths(store, asked(name, conditions=("same", "order"), epochs=epochs), tmp_path, device="cpu")
    assert found.reproduces
    assert found.moments == "trained again"
    assert found.steps_per_epoch * epochs == found.steps_T[-1] == STEPS * epochs
    same = found.of("same")
    assert not same.products.deviations_TKK.any()
    assert not same.spread_T.any()
    assert np.array_equal(same.losses_KS, np.tile(found.recorded_losses_S, (2, 1)))
    assert set(same.train_losses_K) == {found.recorded_losses[0]}
    assert found.recorded_losses[0] == store.run(name).metrics()[1 + epochs].train_loss
    assert found.start_losses[0] == store.run(name).metrics()[1].train_loss
    assert found.of("order").spread_T.all()


@pytest.mark.parametrize("optimizer", ["own", "sgd"])
def test_the_order_of_rows_within_minibatches_is_rounding(store: RunStore, tmp_path: Path, optimizer: str):
    request = asked(optimizer=optimizer, learning_rate=1e-4, conditions=("order", "rows"), replicas=4)
    found = paths(store, request, tmp_path, device="cpu")
    assert 0 < found.of("rows").ratio_T[-1] < 1e-2 * found.of("order").ratio_T[-1]


def test_paths_are_those_of_a_plain_loop_that_holds_all_parameters(store: RunStore, tmp_path: Path):
    request = asked(epoch=0, conditions=("resampled",), points=4)
    found = paths(store, request, tmp_path, device="cpu")
    assert found.moments == "none"
    run = store.run("none")
    inputs, targets = run.training_inputs(), run.training_targets()
    ways = []
    for replica in range(3):
        own_NSB = torch.zeros(1, STEPS, 16, dtype=torch.int64)  # resampled rows do not depend on the run's own
        rows_SB = schedule(request, "resampled", replica, own_NSB, len(targets)).rows_SB
        model = run.model(0).train()
        begin = torch.cat([each.detach().flatten().double() for each in model.parameters()])
        optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-3), []
        for rows_B in rows_SB:
            optimizer.zero_grad()
            loss = F.l1_loss(model(inputs[rows_B]), targets[rows_B])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        ways.append(torch.cat([each.detach().flatten().double() for each in model.parameters()]) - begin)
        # The plain optimizer rounds otherwise than the fused one: 1e-6 of a step, of which eight follow each other.
        np.testing.assert_allclose(found.of("resampled").losses_KS[replica], losses, rtol=1e-4)
    ways_KP = torch.stack(ways)
    spread = (ways_KP - ways_KP.mean(0)).square().sum().div(2).sqrt()
    assert found.of("resampled").spread_T[-1] == pytest.approx(spread.item(), rel=1e-3)
    assert found.of("resampled").step_T[-1] == pytest.approx(ways_KP.mean(0).norm().item(), rel=1e-3)
    units_KP = ways_KP / ways_KP.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(found.of("resampled").cosines_TKK[-1], units_KP @ units_KP.T, atol=1e-3)


def test_masks_go_with_their_minibatch_and_others_are_another_condition(store: RunStore, tmp_path: Path):
    """At a rate that moves no float32 number, a minibatch's loss tells its rows and its masks."""
    request = asked(
        "dropout", optimizer="sgd", learning_rate=1e-30, conditions=("same", "order", "composition", "masks")
    )
    found = paths(store, request, tmp_path, device="cpu")
    own = sorted(found.recorded_losses_S)
    for losses_S in found.of("order").losses_KS:
        assert sorted(losses_S) == own
        assert losses_S.tolist() != found.recorded_losses_S.tolist()
    for condition in ("composition", "masks"):
        assert not np.isin(found.of(condition).losses_KS, own).any()
    assert np.isnan(found.of("order").ratio_T).all()  # nothing moves


def test_runs_of_a_study_have_paths(tmp_path: Path):
    def rows(seed: int):
        inputs = torch.randn(60, 3, generator=torch.Generator().manual_seed(seed))
        return (inputs[:48], inputs[:48].argmax(1)), (inputs[48:], inputs[48:].argmax(1))

    def model():
        layers = (torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3))
        return torch.nn.Sequential(*layers)

    study = gradviz.Study("largest", model, gradviz.CrossEntropy(), train=gradviz.Recipe(rows, epochs=2, batch_size=8))
    assert train_studies(tmp_path, recipe_trainings(study, name="a", learning_rate=0.01), device="cpu").finished
    store = RunStore(tmp_path, LoadedStudy(study, "largest", "0" * 64, {}))
    before = torch.random.get_rng_state()
    run = continuation_of(store, "a", torch.device("cpu"))
    some = torch.tensor([3, 3, 0])
    assert all(torch.equal(part, whole[some]) for part, whole in zip(run.batch(some), rows(0)[0], strict=True))
    found = paths(store, asked("a", conditions=("same", "order", "masks")), tmp_path / "kept", device="cpu")
    assert found.reproduces
    assert not found.of("same").spread_T.any()
    assert 0 < found.of("order").ratio_T[-1] < 2
    assert found.of("masks").spread_T.all()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_known_is_read_whatever_the_run_is_called(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    steps: list[PathsProgress] = []
    first = paths(RunStore(tmp_path / "runs"), asked(), tmp_path, device="cpu")
    record = json.loads((tmp_path / "runs/none/run.json").read_text()) | {"name": "other"}
    (tmp_path / "runs/none").rename(tmp_path / "runs/other")
    (tmp_path / "runs/other/run.json").write_text(json.dumps(record))
    again = paths(RunStore(tmp_path / "runs"), asked("other"), tmp_path, device="cpu", on_progress=steps.append)
    assert not steps
    assert again.request == asked("other")
    assert np.array_equal(again.of("order").ratio_T, first.of("order").ratio_T)


def test_a_damaged_answer_is_computed_again_to_the_same_bytes(store: RunStore, tmp_path: Path):
    paths(store, asked(), tmp_path, device="cpu")
    kept = answers(tmp_path)
    [name] = kept
    (tmp_path / name).write_bytes(kept[name][:1000])
    paths(store, asked(), tmp_path, device="cpu")
    assert answers(tmp_path) == kept


@pytest.mark.parametrize("optimizer", ["own", "sgd"])
def test_a_stopped_job_keeps_whole_replicas_and_goes_on_to_the_same_bytes(
    store: RunStore, tmp_path: Path, optimizer: str
):
    request, steps, stop = asked(optimizer=optimizer), [], StopRequest()
    paths(store, request, tmp_path / "whole", device="cpu", on_progress=steps.append)

    def ask(progress: PathsProgress) -> None:
        if progress.done == len(steps) * 2 // 3:
            stop.ask()

    with pytest.raises(Stopped):
        paths(store, request, tmp_path / "stopped", device="cpu", on_progress=ask, stop=stop)
    rest: list[PathsProgress] = []
    paths(store, request, tmp_path / "stopped", device="cpu", on_progress=rest.append)
    assert len(steps) / 3 <= len(rest) < len(steps) / 3 + 2 * STEPS  # the replica under way, from its beginning
    assert answers(tmp_path / "stopped") == answers(tmp_path / "whole")


def test_threads_that_ask_for_the_same_compute_it_once(store: RunStore, tmp_path: Path):
    steps: list[PathsProgress] = []
    found = []

    def ask() -> None:
        found.append(paths(store, asked(), tmp_path, device="cpu", on_progress=steps.append))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.of("order").ratio_T[-1] for each in found}) == 1
    assert len(found) == 3
    assert [each.done for each in steps] == list(range(1, len(steps) + 1))


Order = Callable[..., None]


@pytest.fixture(scope="module")
def jobs(runs: Path) -> Iterator[tuple[Order, IO[str]]]:
    """Orders of jobs in other processes, and the lines that these write."""
    command = [sys.executable, str(Path(__file__).with_name("paths_child.py")), str(runs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def order(directory: Path, number: int, request: PathsRequest) -> None:
            print(json.dumps([str(directory), number, request.canonical()]), file=process.stdin, flush=True)

        yield order, process.stdout
        process.stdin.close()


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_at_random_moments_then_going_on_gives_the_same_bytes(
    store: RunStore, tmp_path: Path, jobs: tuple[Order, IO[str]], seed: int
):
    order, lines = jobs
    request = asked("dropout", optimizer="sgd" if seed % 2 else "own", seed=seed)
    paths(store, request, tmp_path / "whole", device="cpu")
    moments = random.Random(seed)
    for num_lines in (moments.randrange(2, 60), moments.randrange(2, 40)):
        order(tmp_path / "killed", 1, request)
        pid = lines.readline().split()[0]
        for _ in range(num_lines):
            if "whole" in (line := lines.readline()):
                break
            assert "step" in line
        else:
            os.kill(int(pid), signal.SIGKILL)
            while lines.readline() != "all ended\n":
                pass
            continue
        raise AssertionError("it was too quick to be killed")
    left = answers(tmp_path / "killed")
    assert not any(name.endswith(".safetensors") and name.count("/") == 1 for name in left)
    paths(store, request, tmp_path / "killed", device="cpu")
    assert answers(tmp_path / "killed") == answers(tmp_path / "whole")


@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_a_run_that_is_trained_again_for_its_moments_goes_on_where_it_was(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    request = asked(name, epoch=2, conditions=("same", "order"))
    paths(store, request, tmp_path / "whole", device="cpu")
    monkeypatch.setattr("gradviz.landscape.paths.beginning._KEEP_SECONDS", 0.0)
    told: list[PathsProgress] = []

    def stopped_in_the_second_epoch(now: PathsProgress) -> None:
        told.append(now)
        if now.done == STEPS + 1:
            raise Stopped

    with pytest.raises(Stopped):
        paths(store, request, tmp_path / "stopped", device="cpu", on_progress=stopped_in_the_second_epoch)
    assert [told[-2].what, told[-1].what] == ["moments of epoch 2", "moments of epoch 2, from epoch 1"]
    again: list[PathsProgress] = []
    paths(store, request, tmp_path / "stopped", device="cpu", on_progress=again.append)
    assert told[0].total - again[0].total == STEPS
    assert [each.what for each in again].count("moments of epoch 2, from epoch 1") == STEPS
    assert answers(tmp_path / "stopped") == answers(tmp_path / "whole")


def test_processes_that_ask_for_the_same_compute_it_once(store: RunStore, tmp_path: Path, jobs: tuple[Order, IO[str]]):
    steps: list[PathsProgress] = []
    paths(store, asked(), tmp_path / "here", device="cpu", on_progress=steps.append)
    order, lines = jobs
    order(tmp_path / "there", 3, asked())
    told = list(iter(lines.readline, "all ended\n"))
    assert sum("step" in line for line in told) == len(steps)
    assert sum("whole" in line for line in told) == sum("ended 0" in line for line in told) == 3
    assert answers(tmp_path / "there") == answers(tmp_path / "here")


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (asked(epoch=9), "`epoch` of the run none must be one of 0-3, got 9"),
        (asked("nobody"), "`run` must be an existing run"),
        (asked("dropout", conditions=("rows",)), "rows tells nothing of dropout, which draws masks"),
        (asked(conditions=("masks",)), "masks tells nothing of none, which draws none"),
        (asked(rate_factor=1e-322), "`rate_factor` .* times the rate 0.001 is 0: choose another"),
        (asked(optimizer="sgd", learning_rate=1e6), "broke down: its loss became .*smaller `--lr`"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(
    store: RunStore, tmp_path: Path, request_: PathsRequest, sentence: str
):
    with pytest.raises(UserError, match=sentence):
        paths(store, request_, tmp_path, device="cpu")
    assert not [name for name in answers(tmp_path) if name.endswith(".lock")]


def test_a_disk_without_room_is_told_before_anything_is_trained(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"need 0\.\d GB in .* fewer `--points` or `--replicas`"):
        paths(store, asked(), tmp_path, device="cpu", on_progress=lambda progress: pytest.fail("it has begun"))


def test_a_disk_that_fills_meanwhile_is_told_before_a_replica_is_trained_and_the_job_goes_on(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rooms, steps = iter([True, True, False]), []

    def take(descriptor: int, start: int, length: int) -> None:
        if not next(rooms):
            raise OSError(errno.ENOSPC, "No space left on device")

    request = asked(epoch=0)
    with monkeypatch.context() as full:
        full.setattr(os, "posix_fallocate", take)
        with pytest.raises(UserError, match=r"cannot be written \(No space left on device\): make room"):
            paths(store, request, tmp_path, device="cpu", on_progress=steps.append)
    assert len(steps) == 2 * STEPS
    paths(store, request, tmp_path, device="cpu", on_progress=steps.append)
    assert len(steps) == steps[0].total  # nothing twice


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicas": 1},
        {"conditions": ()},
        {"conditions": ("order", "order")},
        {"optimizer": "adam"},
        {"points": 1},
        {"learning_rate": 0.0},
        {"rate_factor": -1.0},
        {"epochs": 0},
        {"seed": -1},
    ],
    ids=str,
)
def test_a_request_out_of_bounds_names_the_value(wrong: dict[str, object]):
    [name] = wrong
    with pytest.raises(UserError, match=f"`{name}"):
        PathsRequest.of(run="none", epoch=0, **wrong)
