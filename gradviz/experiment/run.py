"""Reads a run: its checkpoints, its metrics and its minibatches, while a trainer may be writing them.

It checks every file before using it, names and leaves out broken ones, and serves the rest.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gradviz.experiment.capabilities import capabilities_of
from gradviz.experiment.model import MLP
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run_directory import (
    METRICS_NAME,
    ROWS_NAME,
    BrokenCheckpoint,
    CheckpointFiles,
    FileChecks,
)
from gradviz.experiment.run_record import RunRecord
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics, read_metrics
from gradviz.experiment.studies.deliveries.rows import MAX_MINIBATCHES, Minibatch, Rows, read_rows
from gradviz.experiment.tensor_file import TensorShape, check_header, read_tensors


def model_of(config: TrainingConfig, generator: torch.Generator | None = None) -> MLP:
    """A fresh network of this configuration, its linear parameters drawn from `generator`."""
    return MLP(
        hidden=config.hidden,
        regularizer=config.regularizer,
        output_scale=config.output_scale,
        generator=generator,
    )


def state_shapes(config: TrainingConfig) -> dict[str, TensorShape]:
    """Names, dtypes and shapes of a checkpoint of this configuration."""
    return _shapes_of(_blank_model(config).state_dict())


def parameter_shapes(config: TrainingConfig) -> dict[str, TensorShape]:
    """The shapes of only its trainable tensors."""
    return _shapes_of(dict(_blank_model(config).named_parameters()))


class Run:
    """A run on disk, read-only; caches its checks. Safe to share between threads."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path, self.record, self.config = path, record, record.config
        self.name = record.name
        self.title, self.study_name, self.group, self.seed = record.title, record.study, record.group, record.seed
        self.capabilities = capabilities_of(record)
        self._blank = _blank_model(self.config)
        self.shapes = _shapes_of(self._blank.state_dict())
        self._checks = FileChecks()
        self._checkpoints = CheckpointFiles(
            path, self.name, lambda path, header: check_header(path, header, self.shapes), self._checks
        )

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of its trainable tensors, in the model's order."""
        return {name: tuple(tensor.shape) for name, tensor in self._blank.named_parameters()}

    def epochs(self) -> list[int]:
        """Epochs with a complete checkpoint, ascending."""
        return self._checkpoints.epochs()

    def broken(self) -> list[BrokenCheckpoint]:
        """The files left out, and the reasons: checkpoints first, then lines of metrics.csv and the table's rows."""
        broken = self._checkpoints.broken()
        broken += [BrokenCheckpoint(self.path / METRICS_NAME, reason) for reason in self._metrics()[1]]
        rows = self._rows_or_reason()[1]
        return broken if rows is None else [*broken, BrokenCheckpoint(self.path / ROWS_NAME, rows)]

    def metrics(self) -> list[EpochMetrics]:
        """The metrics of each epoch, ascending, without damaged lines."""
        return self._metrics()[0]

    def model(self, epoch: int) -> MLP:
        """A fresh network in eval mode with the state of one checkpoint; UserError if it is missing or broken.

        Reads the whole file (14 MB for the full-size network).
        """
        state = self._checkpoints.read(epoch, self._state)
        # The blank model's tensors, which take no memory, replace those of the copy until these are assigned:
        # making a model on the meta device takes 9 ms, longer than reading its values.
        model = copy.deepcopy(
            self._blank, {id(tensor): tensor for tensor in self._blank.state_dict(keep_vars=True).values()}
        )
        model.load_state_dict(state, assign=True)
        return model.requires_grad_(True).eval()

    def digest(self, epoch: int) -> str:
        """Hex sha256 of a checkpoint's content, for cache keys."""
        return self._checkpoints.digest(epoch)

    def address(self, epoch: int) -> str:
        """Identifies this checkpoint: its content, and everything else that defines the run.

        The content alone is not enough: an initialisation is the same for other data or another dropout rate.
        """
        identity = json.dumps(self.config.identity(), sort_keys=True, separators=(",", ":"))
        return f"{self.digest(epoch)} {identity}"

    def cannot(self) -> str | None:
        """As of a run of any study: None, because the network of these runs needs no code of the user's."""
        return None

    @property
    def planned_epochs(self) -> int:
        return self.config.epochs

    def stamp(self) -> str:
        """Changes when the run starts over."""
        digest = self.digest(0) if 0 in self.epochs() else ""
        return f"{self.config.identity()} {digest}"

    def num_minibatches(self, size: int) -> int:
        """The number of minibatches of `size` training rows, at most 50; known without reading the rows."""
        return min(MAX_MINIBATCHES, self.record.rows_train // size) if size >= 1 else 0

    def minibatch(self, index: int, size: int = 64) -> Minibatch:
        """One of the run's minibatches: the same training rows for all runs with the same seed and table.

        Minibatches are consecutive parts of a permutation of the training rows, seeded by the run. UserError names the
        allowed range of `index` and `size`.
        """
        return self.rows().minibatch(index, size, self.config.seed)

    def minibatches(self, size: int, most: int | None = None) -> tuple[Tensor, Tensor]:
        """Inputs (K, size, I) and targets (K, size) of the first `most` minibatches or of all; UserError as above."""
        self.minibatch(0, size)  # UserError names the allowed sizes
        num = self.num_minibatches(size)
        each = [self.minibatch(index, size) for index in range(num if most is None else min(most, num))]
        return torch.stack([one.inputs_BI for one in each]), torch.stack([one.targets_B for one in each])

    def num_rows(self) -> int:
        """The number of training rows, of which a minibatch may be composed; known without reading them."""
        return self.record.rows_train

    def row_numbers(self, minibatch: int, size: int = 64) -> list[int]:
        """The numbers of a minibatch's rows in the run's `Rows`; UserError as `minibatch`."""
        return self.minibatch(minibatch, size).rows_B.tolist()

    def rows_batch(self, rows: Sequence[int]) -> Minibatch:
        """The minibatch that is composed of these training rows, in this order, by their numbers in the run's `Rows`.

        UserError names the first that is no training row, and the range.
        """
        return self.rows().composed(rows)

    def rows(self) -> Rows:
        """All rows of the run; UserError if their file is unusable."""
        rows, reason = self._rows_or_reason()
        if rows is None:
            raise UnusableFile(
                self.path / ROWS_NAME, f"{reason}; rerun `gradviz train` with the same options to rebuild it"
            )
        return rows

    def training_inputs(self, limit: int | None = None) -> Tensor:
        """Inputs (R, I) float32 of the training rows, the first `limit` of them if given."""
        rows = self.rows()
        return rows.inputs(rows.train_rows[:limit])

    def training_targets(self) -> Tensor:
        """Targets (R,) float32 of the training rows, in the order of `training_inputs`."""
        rows = self.rows()
        return rows.targets_R[rows.train_rows]

    def test_codes(self) -> Tensor:
        """Characters (R, 45) uint8 of the test rows."""
        rows = self.rows()
        return rows.codes_RC[rows.test_rows]

    def test_targets(self) -> Tensor:
        """Targets (R,) float32 of the test rows."""
        rows = self.rows()
        return rows.targets_R[rows.test_rows]

    def _state(self, path: Path) -> dict[str, Tensor]:
        state = read_tensors(path, self.shapes)
        # numpy's check makes one pass and a mask of bytes; torch's makes three arrays as large as the tensor.
        if not all(np.isfinite(tensor.numpy()).all() for tensor in state.values()):
            raise UnusableFile(path, "it has values that are not finite")
        return state

    def _metrics(self) -> tuple[list[EpochMetrics], list[str]]:
        path = self.path / METRICS_NAME
        return self._checks.cached("metrics", path, lambda: read_metrics(path))

    def _rows_or_reason(self) -> tuple[Rows | None, str | None]:
        path = self.path / ROWS_NAME

        def read() -> tuple[Rows | None, str | None]:
            try:
                return read_rows(path, self.record.rows_used, self.record.rows_train), None
            except UnusableFile as error:
                return None, error.reason

        return self._checks.cached("rows", path, read)


def _blank_model(config: TrainingConfig) -> MLP:
    """A network of this configuration without values, which takes no memory."""
    with torch.device("meta"):
        return model_of(config)


def _shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, TensorShape]:
    return {name: TensorShape(tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
