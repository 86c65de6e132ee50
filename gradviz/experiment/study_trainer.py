"""Trains the runs of a study side by side, saves every epoch, and can be killed at any moment.

After each epoch: the checkpoint, the metrics, then `resume.safetensors`, which says that the epoch is complete.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, num_rows, num_steps
from gradviz.experiment.cpu_threads import cpu_threads
from gradviz.experiment.device import resolve_device
from gradviz.experiment.files import is_there, remove_partial_files
from gradviz.experiment.interruption import Stopped, StopRequest, stop_on_signals
from gradviz.experiment.metrics_table import MetricsLine, read_table, write_table
from gradviz.experiment.optimizer_state import state_shapes_of
from gradviz.experiment.outcome import OnMessage, TrainingOutcome, TrainingProgress, outcome_of
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.randomness import derived_seed
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.run_directory import METRICS_NAME, RECORD_NAME, RESUME_NAME, checkpoint_files, checkpoint_path
from gradviz.experiment.run_record import read_any_record
from gradviz.experiment.study import Study
from gradviz.experiment.study_record import StudyRecord, write_study_record
from gradviz.experiment.study_runs import begin_run, check_study, locked_directory, new_record
from gradviz.experiment.study_training import StudyEpoch, StudyPlan, looked_at, train_study
from gradviz.experiment.tensor_file import TensorShape, read_header, read_tensors, write_tensors
from gradviz.experiment.users_code import same_randomness, users_code

EPOCH_SHAPE = TensorShape(torch.int64, ())


@dataclass(frozen=True)
class StudyTraining:
    """A run to train: its name and label, and its plan."""

    name: str
    plan: StudyPlan
    label: str = ""
    group: str = ""


@dataclass
class _Open:
    """A run in training."""

    training: StudyTraining
    path: Path
    threads: int
    lines: list[MetricsLine]
    next_epoch: int
    epochs: Iterator[StudyEpoch] = field(default_factory=lambda: iter(()))


def train_studies(
    root: Path,
    trainings: Sequence[StudyTraining],
    *,
    fresh: bool = False,
    device: str = "auto",
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
    on_message: OnMessage = lambda message: None,
    stop: StopRequest | None = None,
) -> TrainingOutcome:
    """Trains runs of one study, always the one furthest behind, and continues existing ones bit for bit.

    Holds the lock of every run meanwhile; SIGTERM, SIGINT or `stop` end it after the current step. Raises RunLocked if
    another holds a run; UserError for a run of another study or other settings in the same place, unless `fresh`.
    """
    chosen = resolve_device(device)
    with ExitStack() as stack:
        asked = stack.enter_context(stop_on_signals())
        for training in trainings:
            stack.enter_context(locked_directory(root / training.name))
        rows = {training.plan.seed: rows_of(training.plan.study, training.plan.seed) for training in trainings}
        runs = [_opened(root / each.name, each, rows[each.plan.seed][0], fresh, on_message) for each in trainings]

        def on_step(run: _Open, step: int, steps: int, loss: float) -> None:
            if asked.asked or (stop is not None and stop.asked):
                raise Stopped
            on_progress(_progress(run, run.next_epoch, step, steps, loss, saved=False))

        def work() -> None:
            for run, after in runs:
                plan = run.training.plan
                step = lambda *now, run=run: on_step(run, *now)  # noqa: E731  (bound to this run)
                run.epochs = train_study(plan, rows[plan.seed], device=chosen, after=after, on_step=step)
            under_way = [run for run, _ in runs if run.next_epoch <= run.training.plan.epochs]
            while under_way:
                run = min(under_way, key=lambda run: run.next_epoch)
                with cpu_threads(run.threads):
                    result = next(run.epochs)
                _save(run, result)
                plan = run.training.plan
                steps = num_steps(plan.batch_size, num_rows(rows[plan.seed][0]))
                on_progress(_progress(run, result.epoch, steps, steps, result.metrics["train_loss"], saved=True))
                under_way = [each for each in under_way if each.next_epoch <= each.training.plan.epochs]

        return outcome_of(work, asked, chosen, on_message)


def recipe_of(study: Study) -> Recipe:
    """UserError if the study has none."""
    if study.train is None:
        raise UserError(f"The study {study.name} has no recipe to train: give it `train=gradviz.Recipe(...)`.")
    return study.train


def rows_of(study: Study, seed: int) -> tuple[Batch, Batch]:
    """All training and all test rows of a run with this seed; UserError if the study's code fails."""
    recipe = recipe_of(study)
    with same_randomness(), users_code(f"data of the study {study.name}"):
        torch.manual_seed(derived_seed(seed, "rows"))
        rows = recipe.rows(seed)
    if not isinstance(rows, tuple) or len(rows) != 2:
        raise UserError(f"`rows` of the study {study.name} must return two batches: training rows and test rows.")
    asking.checked_minibatches(list(rows))
    return rows


def _opened(
    path: Path, training: StudyTraining, train_rows: Batch, fresh: bool, on_message: OnMessage
) -> tuple[_Open, StudyEpoch | None]:
    """The run, and the epoch after which it goes on."""
    plan = training.plan
    threads = recipe_of(plan.study).threads or torch.get_num_threads()
    batches = looked_at(plan.study, train_rows, plan.seed)
    model = asking.made_model(plan.study, plan.arguments)
    settings = {"optimizer": str(plan.optimizer), "learning_rate": plan.optimizer.learning_rate}
    settings |= {"batch_size": plan.batch_size, "epochs": plan.epochs, "threads": threads}
    facts = {"label": training.label, "group": training.group, "seed": plan.seed, "settings": settings}
    record = new_record(plan.study, training.name, model, plan.arguments, len(batches), facts)
    there = None if fresh else _existing(path, record)
    if there is None:
        state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
        check_study(plan.study, record, state, batches)
        begin_run(path, record, batches, None, fresh=True)
        return _Open(training, path, threads, [], 0), None
    remove_partial_files(path)
    threads = int(there.settings.get("threads") or threads)
    try:
        after = _trained(path, plan, model)
    except UnusableFile as error:
        on_message(f"{error} {training.name} trains again from epoch 0.")
        after = None
    if there.settings != record.settings | {"threads": threads}:
        write_study_record(path / RECORD_NAME, record.model_copy(update={"settings": settings | {"threads": threads}}))
    if after is None:
        return _Open(training, path, threads, [], 0), None
    lines = [line for line in read_table(path / METRICS_NAME)[0] if line.epoch <= after.epoch]
    what = "already trained for" if after.epoch >= plan.epochs else "continues after epoch"
    on_message(f"{training.name}: {what} {after.epoch}{' epochs' if after.epoch >= plan.epochs else ''}.")
    return _Open(training, path, threads, lines, after.epoch + 1), after


def _existing(path: Path, record: StudyRecord) -> StudyRecord | None:
    """The record of the same run, there to be continued; None if nothing was trained there."""
    if max(checkpoint_files(path), default=0) == 0:
        return None
    try:
        there = read_any_record(path / RECORD_NAME)
    except UnusableFile as error:
        raise UserError(f"{path} cannot be continued: {error.reason}; start again there with `--fresh`.") from error
    if not isinstance(there, StudyRecord) or not is_there(path / RESUME_NAME):
        raise UserError(f"{path} holds a run that this study did not train: use `--name` for another place.")
    ours, theirs = _identity(record), _identity(there)
    keys = [key for key in ours if ours[key] != theirs[key]]
    different = [f"{key}: {theirs[key]} there, {ours[key]} asked for" for key in keys]
    if different:
        raise UserError(
            f"{path} holds a run of another configuration ({'; '.join(different)}): use the same options to continue "
            "it, `--name` for another place, or `--fresh` to replace it."
        )
    return there


def _identity(record: StudyRecord) -> Mapping[str, Any]:
    settings = {key: record.settings.get(key) for key in ("optimizer", "learning_rate", "batch_size")}
    known = {"study": record.study, "source": record.study_digest, "seed": record.seed, "arguments": record.arguments}
    return known | settings


def _trained(path: Path, plan: StudyPlan, model: torch.nn.Module) -> StudyEpoch | None:
    """The last complete epoch; None before the first. UnusableFile if a file is damaged."""
    if not is_there(path / RESUME_NAME):
        return None
    shapes = {name: TensorShape(each.dtype, tuple(each.shape)) for name, each in model.named_parameters()}
    expected = {"epoch": EPOCH_SHAPE} | state_shapes_of(plan.optimizer, shapes)
    before_first_step = read_header(path / RESUME_NAME).keys() == {"epoch"}
    tensors = read_tensors(path / RESUME_NAME, {"epoch": EPOCH_SHAPE} if before_first_step else expected)
    epoch = int(tensors.pop("epoch"))
    if not epoch >= 0 or (epoch > 0 and before_first_step and len(expected) > 1):
        raise UnusableFile(path / RESUME_NAME, "it lacks the optimizer's state")
    state = {name: TensorShape(each.dtype, tuple(each.shape)) for name, each in model.state_dict().items()}
    return StudyEpoch(epoch, {}, read_tensors(checkpoint_path(path, epoch), state), tensors)


def _save(run: _Open, result: StudyEpoch) -> None:
    write_tensors(checkpoint_path(run.path, result.epoch), result.state)
    run.lines.append(MetricsLine(result.epoch, result.metrics))
    write_table(run.path / METRICS_NAME, run.lines)
    write_tensors(run.path / RESUME_NAME, {"epoch": torch.tensor(result.epoch), **result.optimizer})
    run.next_epoch = result.epoch + 1


def _progress(run: _Open, epoch: int, step: int, steps: int, loss: float, *, saved: bool) -> TrainingProgress:
    return TrainingProgress(
        run=run.training.name,
        epoch=epoch,
        epochs=run.training.plan.epochs,
        step=step,
        steps=steps,
        train_loss=loss,
        test_r2=None,
        rows_per_second=0.0,
        seconds_left=None,
        saved=saved,
    )
