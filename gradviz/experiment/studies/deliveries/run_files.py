"""Writes a run's directory after each epoch, in an order that survives a kill.

After each epoch: the checkpoint, then the metrics, then `resume.safetensors`. The last is the commit: an epoch
counts as trained once `resume.safetensors` records it. A trainer killed before that trains the epoch again and writes
the same bytes. A new run begins with its rows and `run.json`.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from gradviz.experiment.files import is_there
from gradviz.experiment.optimizer_state import state_shapes_of
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run import parameter_shapes, state_shapes
from gradviz.experiment.run_directory import (
    METRICS_NAME,
    RESUME_NAME,
    checkpoint_path,
)
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics, read_metrics, write_metrics
from gradviz.experiment.studies.deliveries.training import EpochResult, ResumeState
from gradviz.experiment.tensor_file import TensorShape, read_header, read_tensors, write_tensors

_GENERATOR_SHAPE = TensorShape(torch.uint8, tuple(torch.Generator().get_state().shape))
_RESUME_SHAPES = {
    "epoch": TensorShape(torch.int64, ()),
    "order_state": _GENERATOR_SHAPE,
    "masks_state": _GENERATOR_SHAPE,
}
"""Tensors of `resume.safetensors` beside the optimizer's state."""


@dataclass(frozen=True)
class Trained:
    """The trained part of a run: the network's state, the state to resume from, and the metrics up to that epoch."""

    state: dict[str, torch.Tensor]
    resume: ResumeState
    metrics: tuple[EpochMetrics, ...]


def write_epoch(directory: Path, result: EpochResult, metrics: list[EpochMetrics]) -> None:
    """Writes one epoch; `metrics` are those of all epochs up to it."""
    write_tensors(checkpoint_path(directory, result.metrics.epoch), result.state)
    write_metrics(directory / METRICS_NAME, metrics)
    resume = result.resume
    write_tensors(
        directory / RESUME_NAME,
        {
            "epoch": torch.tensor(resume.epoch),
            "order_state": resume.order_state,
            "masks_state": resume.masks_state,
            **resume.optimizer,
        },
    )


def read_trained(directory: Path, config: TrainingConfig) -> Trained | None:
    """The state to continue from; None if no epoch is complete. Raises UnusableFile if a file is damaged."""
    path = directory / RESUME_NAME
    if not is_there(path):
        return None
    kept = state_shapes_of(config.optimizer, parameter_shapes(config))
    before_first_step = read_header(path).keys() == _RESUME_SHAPES.keys()
    tensors = read_tensors(path, _RESUME_SHAPES if before_first_step else _RESUME_SHAPES | kept)
    epoch = int(tensors.pop("epoch"))
    if epoch > 0 and before_first_step and kept:
        raise UnusableFile(path, "it lacks the optimizer's state")
    order_state, masks_state = tensors.pop("order_state"), tensors.pop("masks_state")
    for generator_state in (order_state, masks_state):
        try:
            torch.Generator().set_state(generator_state)
        except RuntimeError as error:
            raise UnusableFile(path, "it has an invalid random state") from error
    state = read_tensors(checkpoint_path(directory, epoch), state_shapes(config))
    metrics, _ = read_metrics(directory / METRICS_NAME)
    return Trained(
        state,
        ResumeState(epoch, tensors, order_state, masks_state),
        tuple(line for line in metrics if line.epoch <= epoch),
    )
