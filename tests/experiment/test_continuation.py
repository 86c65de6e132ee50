"""A run goes on from any of its checkpoints, bit for bit as it was trained."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gradviz
from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation, own_moments
from gradviz.experiment.cpu_threads import cpu_threads
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.continuation import DeliveriesContinuation
from gradviz.experiment.study_continuation import StudyContinuation
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import train_studies

CPU = torch.device("cpu")


class Net(nn.Module):
    """Draws masks, has batch statistics, and counts minibatches in a buffer of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)


def rows(seed: int) -> tuple[Any, Any]:
    inputs = torch.randn(50, 3, generator=torch.Generator().manual_seed(seed))
    return (inputs[:40], inputs[:40].argmax(1)), (inputs[40:], inputs[40:].argmax(1))


STUDY = gradviz.Study("largest", Net, gradviz.CrossEntropy(), train=gradviz.Recipe(rows, epochs=3, batch_size=16))


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    root = tmp_path_factory.mktemp("studied")
    for optimizer in ("adam", "sgd(0.9)", "sgd(0)"):
        name = optimizer.translate({ord(each): None for each in "(.)"})
        trainings = recipe_trainings(STUDY, name=name, optimizer=optimizer, learning_rate=0.01)
        assert train_studies(root, trainings, device="cpu").finished
    return RunStore(root, LoadedStudy(STUDY, "largest", "0" * 64, globals()))


def gone_on(run: Continuation, epoch: int) -> dict[str, Tensor]:
    """The state after one more epoch of the run's own."""
    with cpu_threads(run.threads):
        moments, _ = own_moments(run, epoch)
        run.load(run.state(epoch), run.optimizer, moments)
        run.seed_epoch(epoch + 1)
        for rows_B in run.minibatches(epoch + 1):
            run.step(rows_B)
    return dict(run.model.state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_a_run_of_deliveries_goes_on_to_its_next_checkpoint(runs: Path, name: str, epoch: int):
    run = DeliveriesContinuation(RunStore(runs).run(name), CPU)
    assert same(gone_on(run, epoch), run.state(epoch + 1))


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("name", ["adam", "sgd09", "sgd0"])
def test_a_run_of_a_study_goes_on_to_its_next_checkpoint(studied: RunStore, name: str, epoch: int):
    before = torch.random.get_rng_state()
    run = StudyContinuation(studied.study_run(name), CPU)
    assert same(gone_on(run, epoch), run.state(epoch + 1))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_moments_are_saved_or_trained_again_and_equal(runs: Path, studied: RunStore):
    for run in (
        DeliveriesContinuation(RunStore(runs).run("none"), CPU),
        StudyContinuation(studied.study_run("adam"), CPU),
    ):
        saved, source = own_moments(run, 3)
        assert source == "saved"
        run.saved_moments = lambda: None  # pyright: ignore[reportAttributeAccessIssue]  # as in a run without them
        again, source = own_moments(run, 3)
        assert source == "trained again"
        assert same(again, saved)
        assert own_moments(run, 0) == ({}, "none")
    plain = StudyContinuation(studied.study_run("sgd0"), CPU)
    assert own_moments(plain, 2) == ({}, "none")


def test_moments_of_an_epoch_without_the_first_checkpoint_are_refused(runs: Path):
    (runs / "none" / "epoch-0000.safetensors").unlink()
    run = DeliveriesContinuation(RunStore(runs).run("none"), CPU)
    with pytest.raises(UserError, match=r"has no epoch 0 from which to train again to epoch 2: .*--optimizer sgd"):
        own_moments(run, 2)
    assert own_moments(run, 3)[1] == "saved"


@pytest.mark.parametrize("name", ["dropout", "adam"])
def test_a_random_state_gives_the_same_step_again(runs: Path, studied: RunStore, name: str):
    store = RunStore(runs) if name == "dropout" else studied
    run = (
        DeliveriesContinuation(store.run(name), CPU)
        if name == "dropout"
        else StudyContinuation(studied.study_run(name), CPU)
    )
    rows_B = run.minibatches(2)[0]

    def losses(begin: Any) -> list[float]:
        run.load(run.state(1), run.optimizer, {})
        begin()
        return [run.step(rows_B), run.step(rows_B)]

    run.seed_epoch(2)
    drawn = run.draws()
    first = losses(lambda: run.seed_epoch(2))
    assert losses(lambda: run.set_draws(drawn)) == first
    assert losses(lambda: run.seed_draws(7)) != first
    assert losses(lambda: run.seed_draws(7)) == losses(lambda: run.seed_draws(7))


def test_what_a_user_recorded_cannot_be_repeated(tmp_path: Path):
    model = Net()
    batch = (torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64))
    with gradviz.record(STUDY, model, tmp_path / "own", minibatches=[batch]) as recorder:
        recorder.epoch(train_loss=1.0)
    run = RunStore(tmp_path, LoadedStudy(STUDY, "largest", "0" * 64, globals())).study_run("own")
    with pytest.raises(UserError, match="recorded by a training loop of your own"):
        StudyContinuation(run, CPU)
