"""Lightning's Trainer and Hugging Face's record every epoch, and train the very same parameters as without."""

import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gradviz
from gradviz.experiment.lock import holder
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.experiment.study_run import StudyRun

# The two libraries warn of what this machine lacks, and of their own dependencies.
pytestmark = pytest.mark.filterwarnings("ignore")


def imported(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3))


STUDY = gradviz.Study("small", make_model, gradviz.CrossEntropy())
INPUTS = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
TARGETS = INPUTS.argmax(1) % 3
MINIBATCHES = [(INPUTS[:8], TARGETS[:8])]


def opened(path: Path) -> StudyRun:
    return RunStore(path.parent, LoadedStudy(STUDY, "", "", {})).study_run(path.name)


def same_states(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def train_with_lightning(tmp_path: Path, callbacks: list[Any], epochs: int = 3) -> nn.Module:
    lightning = imported("pytorch_lightning")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = make_model()

        def training_step(self, batch: Any, index: int) -> Tensor:
            loss = F.cross_entropy(self.model(batch[0]), batch[1])
            self.log("train_loss", loss, on_epoch=True, on_step=False)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            logits = self.model(batch[0])
            self.log("val_loss", F.cross_entropy(logits, batch[1]))
            self.log("val accuracy", (logits.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 0.01)

    lightning.seed_everything(0, verbose=False)
    module = Module()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(INPUTS, TARGETS), batch_size=8, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=callbacks,
    )
    whole: Any = [(INPUTS, TARGETS)]
    trainer.fit(module, loader, torch.utils.data.DataLoader(whole, batch_size=None))
    return module.model


def test_lightning_records_every_epoch_and_trains_the_same(tmp_path: Path):
    with torch.random.fork_rng():
        without = train_with_lightning(tmp_path, [])
        recorder = gradviz.LightningRecorder(STUDY, tmp_path / "runs" / "a", minibatches=MINIBATCHES, label="A")
        trained = train_with_lightning(tmp_path, [recorder])
    assert same_states(trained, without)
    run = opened(tmp_path / "runs" / "a")
    assert run.epochs() == [0, 1, 2, 3]
    assert run.record.title == "A"
    assert same_states(run.model(3), trained)
    assert [line.epoch for line in run.metrics()] == [1, 2, 3]
    for line in run.metrics():
        assert {"train_loss", "test_loss", "val_accuracy"} <= line.values.keys()
    with torch.no_grad():
        last = F.cross_entropy(trained.eval()(INPUTS), TARGETS).item()
    assert run.metrics()[-1].values["test_loss"] == pytest.approx(last, rel=1e-6)  # float32, in another mode of torch
    assert holder(tmp_path / "runs" / "a") is None


def test_lightning_that_fails_leaves_whole_epochs_and_no_lock(tmp_path: Path):
    lightning = imported("pytorch_lightning")

    class Failing(lightning.Callback):
        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == 2:
                raise ZeroDivisionError

    recorder = gradviz.LightningRecorder(STUDY, tmp_path / "a", minibatches=MINIBATCHES)
    with torch.random.fork_rng(), pytest.raises(ZeroDivisionError):
        train_with_lightning(tmp_path, [recorder, Failing()])
    assert opened(tmp_path / "a").epochs() == [0, 1, 2]
    assert holder(tmp_path / "a") is None


class Classifier(nn.Module):
    """A model as Hugging Face's Trainer wants it, which returns its loss."""

    def __init__(self) -> None:
        super().__init__()
        self.model = make_model()

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.model(inputs)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


def train_with_transformers(tmp_path: Path, callbacks: list[Any], **options: Any) -> nn.Module:
    transformers = imported("transformers")
    torch.manual_seed(0)
    model = Classifier()
    rows = [{"inputs": row, "labels": target} for row, target in zip(INPUTS, TARGETS, strict=True)]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "hf"),
        num_train_epochs=3,
        per_device_train_batch_size=8,
        learning_rate=0.01,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        **options,
    )
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=callbacks)
    trainer.train()
    return model.model


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"eval_strategy": "epoch", "logging_strategy": "epoch"}, {"train_loss", "test_loss"}),
        ({"logging_strategy": "epoch"}, {"train_loss"}),
        ({"logging_strategy": "no"}, set()),
    ],
    ids=["evaluated", "logged", "neither"],
)
def test_the_trainer_of_transformers_records_every_epoch_and_trains_the_same(
    tmp_path: Path, options: dict[str, Any], names: set[str]
):
    with torch.random.fork_rng():
        without = train_with_transformers(tmp_path, [], **options)
        recorder = gradviz.TrainerRecorder(
            STUDY, tmp_path / "a", model=lambda whole: whole.model, minibatches=MINIBATCHES
        )
        trained = train_with_transformers(tmp_path, [recorder], **options)
    assert same_states(trained, without)
    run = opened(tmp_path / "a")
    assert run.epochs() == [0, 1, 2, 3]
    assert same_states(run.model(3), trained)
    assert not same_states(run.model(2), trained)
    for line in run.metrics():
        assert names <= line.values.keys()
    if "test_loss" in names:
        with torch.no_grad():
            last = F.cross_entropy(run.model(2)(INPUTS), TARGETS).item()
        assert run.metrics()[1].values["test_loss"] == pytest.approx(last, rel=1e-5)  # a mean of three minibatches
    assert holder(tmp_path / "a") is None
