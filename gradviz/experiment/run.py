"""Reads a run: its checkpoints, its metrics and its minibatches, while a trainer may be writing them.

It checks every file before using it, names and leaves out broken ones, and serves the rest. It caches checks by size
and time of the file, so that a look every second costs one listing of the directory.
"""

import copy
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.capabilities import capabilities_of
from gradviz.experiment.config import TrainingConfig
from gradviz.experiment.files import is_there, signature
from gradviz.experiment.metrics import EpochMetrics, read_metrics
from gradviz.experiment.model import MLP
from gradviz.experiment.outside import UnusableFile, reason_of
from gradviz.experiment.rows import MAX_MINIBATCHES, Minibatch, Rows, read_rows
from gradviz.experiment.run_record import RunRecord
from gradviz.experiment.tensor_file import TensorShape, check_header, file_digest, read_header, read_tensors

RECORD_NAME, ROWS_NAME, METRICS_NAME, RESUME_NAME = "run.json", "rows.safetensors", "metrics.csv", "resume.safetensors"
_CHECKPOINT = re.compile(r"epoch-(\d{4})\.safetensors")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class BrokenCheckpoint:
    """An unusable file of a run, and the reason."""

    path: Path
    reason: str


def checkpoint_path(directory: Path, epoch: int) -> Path:
    """The file of one epoch's checkpoint."""
    return directory / f"epoch-{epoch:04d}.safetensors"


def checkpoint_files(directory: Path) -> dict[int, Path]:
    """All files named like checkpoints, by epoch; UnusableFile if the directory cannot be read now."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnusableFile(directory, reason_of(error)) from error
    matches = (_CHECKPOINT.fullmatch(name) for name in names)
    return {int(match[1]): directory / match[0] for match in sorted(filter(None, matches), key=lambda match: match[1])}


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
        self.capabilities = capabilities_of(record)
        self._blank = _blank_model(self.config)
        self.shapes = _shapes_of(self._blank.state_dict())
        # name of the check and path -> (signature of the file, its result)
        self._checked: dict[tuple[str, Path], tuple[tuple[int, int] | None, object]] = {}

    def epochs(self) -> list[int]:
        """Epochs with a complete checkpoint, ascending."""
        return [epoch for epoch, path in self._files()[0].items() if self._reason(path) is None]

    def broken(self) -> list[BrokenCheckpoint]:
        """The files left out, and the reasons: checkpoints first, then lines of metrics.csv and the table's rows."""
        files, unreadable = self._files()
        reasons = [(self.path, unreadable), *((path, self._reason(path)) for path in files.values())]
        reasons += [(self.path / METRICS_NAME, reason) for reason in self._metrics()[1]]
        reasons += [(self.path / ROWS_NAME, self._rows_or_reason()[1])]
        return [BrokenCheckpoint(path, reason) for path, reason in reasons if reason is not None]

    def metrics(self) -> list[EpochMetrics]:
        """The metrics of each epoch, ascending, without damaged lines."""
        return self._metrics()[0]

    def model(self, epoch: int) -> MLP:
        """A fresh network in eval mode with the state of one checkpoint; UserError if it is missing or broken.

        Reads the whole file (14 MB for the full-size network).
        """
        path = self._checkpoint(epoch)
        stamp = signature(path)
        try:
            state = read_tensors(path, self.shapes)
            # numpy's check makes one pass and a mask of bytes; torch's makes three arrays as large as the tensor.
            if not all(np.isfinite(tensor.numpy()).all() for tensor in state.values()):
                raise UnusableFile(path, "it has values that are not finite")
        except UnusableFile as error:
            self._checked["checkpoint", path] = (stamp, error.reason)
            raise
        # The blank model's tensors, which take no memory, replace those of the copy until these are assigned:
        # making a model on the meta device takes 9 ms, longer than reading its values.
        model = copy.deepcopy(
            self._blank, {id(tensor): tensor for tensor in self._blank.state_dict(keep_vars=True).values()}
        )
        model.load_state_dict(state, assign=True)
        return model.requires_grad_(True).eval()

    def digest(self, epoch: int) -> str:
        """Hex sha256 of a checkpoint's content, for cache keys."""
        path = self._checkpoint(epoch)
        return self._cached("digest", path, lambda: file_digest(path))

    def address(self, epoch: int) -> str:
        """Identifies this checkpoint: its content, and everything else that defines the run.

        The content alone is not enough: an initialisation is the same for other data or another dropout rate.
        """
        identity = json.dumps(self.config.identity(), sort_keys=True, separators=(",", ":"))
        return f"{self.digest(epoch)} {identity}"

    def num_minibatches(self, size: int) -> int:
        """The number of minibatches of `size` training rows, at most 50; known without reading the rows."""
        return min(MAX_MINIBATCHES, self.record.rows_train // size) if size >= 1 else 0

    def minibatch(self, index: int, size: int = 64) -> Minibatch:
        """One of the run's minibatches: the same training rows for all runs with the same seed and table.

        Minibatches are consecutive parts of a permutation of the training rows, seeded by the run. UserError names the
        allowed range of `index` and `size`.
        """
        return self._rows().minibatch(index, size, self.config.seed)

    def minibatches(self, size: int, most: int | None = None) -> tuple[Tensor, Tensor]:
        """Inputs (K, size, I) and targets (K, size) of the first `most` minibatches or of all; UserError as above."""
        self.minibatch(0, size)  # UserError names the allowed sizes
        num = self.num_minibatches(size)
        each = [self.minibatch(index, size) for index in range(num if most is None else min(most, num))]
        return torch.stack([one.inputs_BI for one in each]), torch.stack([one.targets_B for one in each])

    def training_inputs(self, limit: int | None = None) -> Tensor:
        """Inputs (R, I) float32 of the training rows, the first `limit` of them if given."""
        rows = self._rows()
        return rows.inputs(rows.train_rows[:limit])

    def training_targets(self) -> Tensor:
        """Targets (R,) float32 of the training rows, in the order of `training_inputs`."""
        rows = self._rows()
        return rows.targets_R[rows.train_rows]

    def test_codes(self) -> Tensor:
        """Characters (R, 45) uint8 of the test rows."""
        rows = self._rows()
        return rows.codes_RC[rows.test_rows]

    def test_targets(self) -> Tensor:
        """Targets (R,) float32 of the test rows."""
        rows = self._rows()
        return rows.targets_R[rows.test_rows]

    def _files(self) -> tuple[dict[int, Path], str | None]:
        """The files named like checkpoints, or why the directory cannot be read now."""
        try:
            return checkpoint_files(self.path), None
        except UnusableFile as error:
            return {}, error.reason

    def _checkpoint(self, epoch: int) -> Path:
        path = checkpoint_path(self.path, epoch)
        if not is_there(path):
            epochs = self.epochs()
            if not epochs:
                raise UserError(f"The run {self.name} has no trained epoch yet: wait for its first checkpoint.")
            raise UserError(f"`epoch` of the run {self.name} must be {_ranges(epochs)}, got {epoch}.")
        reason = self._reason(path)
        if reason is not None:
            raise UnusableFile(path, reason)
        return path

    def _reason(self, path: Path) -> str | None:
        """Why a checkpoint is unusable, by its header and length; None if it is not."""

        def check() -> str | None:
            try:
                check_header(path, read_header(path), self.shapes)
            except UnusableFile as error:
                return error.reason
            return None

        return self._cached("checkpoint", path, check)

    def _metrics(self) -> tuple[list[EpochMetrics], list[str]]:
        path = self.path / METRICS_NAME
        return self._cached("metrics", path, lambda: read_metrics(path))

    def _rows(self) -> Rows:
        rows, reason = self._rows_or_reason()
        if rows is None:
            raise UnusableFile(
                self.path / ROWS_NAME, f"{reason}; rerun `gradviz train` with the same options to rebuild it"
            )
        return rows

    def _rows_or_reason(self) -> tuple[Rows | None, str | None]:
        path = self.path / ROWS_NAME

        def read() -> tuple[Rows | None, str | None]:
            try:
                return read_rows(path, self.record.rows_used, self.record.rows_train), None
            except UnusableFile as error:
                return None, error.reason

        return self._cached("rows", path, read)

    def _cached(self, check: str, path: Path, compute: Callable[[], _Value]) -> _Value:
        stamp = signature(path)
        known = self._checked.get((check, path))
        if known is not None and known[0] == stamp and stamp is not None:
            return known[1]  # pyright: ignore[reportReturnType]  # one check always gives one type
        value = compute()
        self._checked[check, path] = (stamp, value)
        return value


def _blank_model(config: TrainingConfig) -> MLP:
    """A network of this configuration without values, which takes no memory."""
    with torch.device("meta"):
        return model_of(config)


def _shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, TensorShape]:
    return {name: TensorShape(tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}


def _ranges(epochs: list[int]) -> str:
    """`one of 0-12`, or `one of 0-3, 5-12`."""
    breaks = [i for i in range(1, len(epochs)) if epochs[i] != epochs[i - 1] + 1]
    parts = [epochs[i:j] for i, j in zip([0, *breaks], [*breaks, len(epochs)], strict=True)]
    return "one of " + ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
