"""The rows of a run: encoded, split into training and test rows, cut into minibatches, stored with the checkpoints.

A run stores its rows, so that its minibatches need neither the CSV nor the code that read it.
"""

# Shape suffixes: R = rows of the run, C = 45 characters, B = examples of a minibatch, I = inputs.

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.randomness import generator
from gradviz.experiment.studies.deliveries.encoding import field_texts, one_hot
from gradviz.experiment.studies.deliveries.fields import NUM_CHARACTERS
from gradviz.experiment.tensor_file import TensorShape, read_tensors, write_tensors

MAX_MINIBATCHES = 50
MAX_MINIBATCH_SIZE = 1024
TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class Minibatch:
    """One minibatch of training rows: inputs (B, I) and targets (B,) float32, row numbers (B,) int64 in `Rows`."""

    inputs_BI: Tensor
    targets_B: Tensor
    rows_B: Tensor


@dataclass(frozen=True)
class Rows:
    """Codes (R, 45) uint8 and targets (R,) float32 of every row; row numbers (int64) of the training and test rows."""

    codes_RC: Tensor
    targets_R: Tensor
    train_rows: Tensor
    test_rows: Tensor

    @cached_property
    def num_train(self) -> int:
        return self.train_rows.numel()

    def inputs(self, rows: Tensor) -> Tensor:
        """One-hot inputs (len(rows), I) float32 of some rows."""
        return one_hot(self.codes_RC[rows])

    def texts(self, rows: Tensor) -> list[dict[str, str]]:
        """The fields of some rows, by their names."""
        return field_texts(self.codes_RC[rows].cpu().numpy())

    def to(self, device: torch.device) -> "Rows":
        return Rows(*(tensor.to(device) for tensor in self.tensors().values()))

    def tensors(self) -> dict[str, Tensor]:
        """The four tensors under their names in the file."""
        return {
            "codes": self.codes_RC,
            "targets": self.targets_R,
            "train_rows": self.train_rows,
            "test_rows": self.test_rows,
        }

    def num_minibatches(self, size: int) -> int:
        """Whole minibatches of `size` training rows, at most 50."""
        return min(MAX_MINIBATCHES, self.num_train // size)

    def minibatch(self, index: int, size: int, seed: int) -> Minibatch:
        """The `index`-th consecutive minibatch of `size` in a permutation of the training rows by `seed`."""
        largest = min(MAX_MINIBATCH_SIZE, self.num_train)
        if not 1 <= size <= largest:
            raise UserError(
                f"`minibatch_size` must be in [1, {largest}], got {size}: "
                f"the run has {self.num_train} training rows, and {MAX_MINIBATCH_SIZE} is the limit."
            )
        count = self.num_minibatches(size)
        if not 0 <= index < count:
            raise UserError(f"`minibatch` must be in [0, {count - 1}] for minibatches of {size}, got {index}.")
        order = torch.randperm(self.num_train, generator=generator(seed, "minibatches"))
        return self._of(self.train_rows[order[index * size : (index + 1) * size]])

    def composed(self, rows: Sequence[int]) -> Minibatch:
        """The minibatch of these training rows, in this order; UserError names a row that is none of them."""
        for row in rows:
            if row not in self._train_set:
                what = "a test row" if 0 <= row < self.targets_R.numel() else "which the run does not have"
                first, last = int(self.train_rows.min()), int(self.train_rows.max())
                raise UserError(f"`rows` must be training rows of the run, in [{first}, {last}], got {row}, {what}.")
        return self._of(torch.tensor(rows, dtype=torch.int64))

    @cached_property
    def _train_set(self) -> frozenset[int]:
        return frozenset(self.train_rows.tolist())

    def _of(self, rows_B: Tensor) -> Minibatch:
        return Minibatch(self.inputs(rows_B), self.targets_R[rows_B], rows_B)


def split_rows(codes_RC: Tensor, targets_R: Tensor) -> Rows:
    """Splits off the first 80 % as training rows, the others as test rows; expects them in random order."""
    num_rows = targets_R.numel()
    num_train = int(num_rows * TRAINING_SHARE)
    rows = torch.arange(num_rows)
    return Rows(codes_RC, targets_R, rows[:num_train].clone(), rows[num_train:].clone())


def write_rows(path: Path, rows: Rows) -> None:
    """Writes the complete `rows.safetensors` or nothing."""
    write_tensors(path, rows.tensors())


def read_rows(path: Path, num_rows: int, num_train: int) -> Rows:
    """The rows of a run; raises UnusableFile unless their numbers match the run's and all values are in range."""
    expected = {
        "codes": TensorShape(torch.uint8, (num_rows, NUM_CHARACTERS)),
        "targets": TensorShape(torch.float32, (num_rows,)),
        "train_rows": TensorShape(torch.int64, (num_train,)),
        "test_rows": TensorShape(torch.int64, (num_rows - num_train,)),
    }
    tensors = read_tensors(path, expected)
    rows = Rows(tensors["codes"], tensors["targets"], tensors["train_rows"], tensors["test_rows"])
    numbers = torch.cat([rows.train_rows, rows.test_rows])
    if rows.codes_RC.max() >= 15 or not rows.targets_R.isfinite().all():
        raise UnusableFile(path, "it has codes or targets that no table gives")
    if not torch.equal(numbers.sort().values, torch.arange(num_rows)):
        raise UnusableFile(path, "its split does not match its rows")
    return rows
