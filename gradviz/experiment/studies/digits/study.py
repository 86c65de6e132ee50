"""Digits: 1,797 handwritten digits of 8 × 8 pixels (Alpaydin & Kaynak 1998, with scikit-learn), a CNN, cross entropy.

https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits
"""

# Shape suffixes: B = rows of a minibatch, C = channels, H/W = rows/columns of pixels.

import importlib

import torch
from torch import Tensor, nn

from gradviz.errors import UserError
from gradviz.experiment.losses import CrossEntropy
from gradviz.experiment.optimizers import Adam
from gradviz.experiment.recipe import Recipe
from gradviz.experiment.study import Study

_TRAINING_SHARE = 0.8
_BRIGHTEST = 16.0


class DigitsNet(nn.Module):
    """Two convolutions and two linear layers, with batch normalization or dropout of channels, or neither."""

    def __init__(self, channels: int = 16, *, norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(2 * channels) if norm else nn.Identity()
        self.dropout = nn.Dropout2d(dropout)
        self.fc1 = nn.Linear(2 * channels * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.norm1(self.conv1(pixels_BCHW)).relu(), 2)
        x = self.dropout(nn.functional.max_pool2d(self.norm2(self.conv2(x)).relu(), 2))
        return self.fc2(self.fc1(x.flatten(1)).relu())


def rows(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Training and test rows: pixels (R, 1, 8, 8) from 0 to 1, digits (R,); 80 % of a permutation by the seed train."""
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise UserError("The study digits needs scikit-learn: `pip install 'gradviz-dashboard[digits]'`.") from error
    images, digits = datasets.load_digits(return_X_y=True)
    pixels = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / _BRIGHTEST
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
    pixels, targets = pixels[order], torch.tensor(digits)[order]
    num_train = int(_TRAINING_SHARE * len(pixels))
    return (pixels[:num_train], targets[:num_train]), (pixels[num_train:], targets[num_train:])


def describe(batch: tuple[Tensor, Tensor]) -> list[str]:
    """The digit of each row."""
    return [f"digit {digit}" for digit in batch[1].tolist()]


STUDY = Study(
    "digits",
    DigitsNet,
    CrossEntropy(),
    describe=describe,
    train=Recipe(
        rows,
        epochs=30,
        batch_size=64,
        threads=1,
        optimizer=Adam(learning_rate=1e-3),
        variants={
            "digits-none": {},
            "digits-dropout": {"dropout": 0.3},
            "digits-batchnorm": {"norm": True},
        },
    ),
)
