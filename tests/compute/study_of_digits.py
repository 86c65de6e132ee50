"""A study as a user writes it: a small convolutional network with batch norm and dropout, on made images."""

import torch
from torch import Tensor, nn

import gradviz
from gradviz.experiment.losses import CrossEntropy

ROWS, SIDE, CLASSES = 12, 6, 3


class Net(nn.Module):
    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, 5, 3)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(5, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        hidden = torch.relu(self.norm(self.conv1(images)))
        hidden = torch.relu(self.conv2(hidden)).mean((2, 3))
        return self.head(self.dropout(hidden))


def minibatches() -> list[tuple[Tensor, Tensor]]:
    made = torch.Generator().manual_seed(3)
    images = torch.randn(4, ROWS, 1, SIDE, SIDE, generator=made)
    labels = torch.randint(CLASSES, (4, ROWS), generator=made)
    return list(zip(images, labels, strict=True))


study = gradviz.Study("squares", Net, CrossEntropy(), minibatches=minibatches)
