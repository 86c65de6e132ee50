"""Small networks whose gates are modules, and what these take at grid points: by forward hooks, in float64.

Nothing is shared with what draws the lines but the names of the parameters and the masks by number.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.experiment.model import MLP
from gradviz.experiment.studies.deliveries.study import loss as deliveries_loss
from gradviz.landscape import LandscapeSpec
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.replay import Plane, Scalar
from tests.landscape.cases import random_case

# Shape suffixes: Y/X = grid rows/columns, P = grid points, B = rows, T = positions, C = channels, U = units of a row.


@dataclass
class Net:
    """A model with its loss and minibatch. `gates`: the modules whose input is looked at, in the order in which they
    are called, with the values at which it switches, and the axis of the rows. `is_residual`: whether the loss is the
    mean absolute error of the model's predictions."""

    model: nn.Module
    loss: Callable[..., Tensor]
    batch: Any
    gates: Sequence[tuple[str, Sequence[float], int]]
    is_residual: bool = False


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm, self.act1 = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)
        self.conv2, self.act2 = nn.Conv2d(3, 2, 2), nn.LeakyReLU(0.1)
        self.fc1, self.act3, self.fc2 = nn.Linear(8, 6), nn.Hardtanh(-0.3, 0.5), nn.Linear(6, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        h = F.avg_pool2d(self.act1(self.norm(self.conv1(x_BCHW))), 2, 1)
        h = self.act2(self.conv2(h)).flatten(1)
        return self.fc2(self.act3(self.fc1(h)))[:, 0]


class Recurrent(nn.Module):
    """As many positions as rows: the axes of the gates' inputs do not tell which is which."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.gru = nn.Embedding(5, 4), nn.GRU(4, 4)
        self.fc1, self.act, self.fc2 = nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3)

    def forward(self, x_BT: Tensor) -> Tensor:
        h_TBC, _ = self.gru(self.embedding(x_BT.T))
        return self.fc2(self.act(self.fc1(h_TBC)).mean(0))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.act = nn.Embedding(5, 4), nn.ReLU()
        self.layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation=self.act, batch_first=True)
        self.fc = nn.Linear(4, 5)

    def forward(self, x_BT: Tensor) -> Tensor:
        return self.fc(self.layer(self.embedding(x_BT)))


def mlp(regularizer: str, placement: str, seed: int) -> Net:
    case = random_case(regularizer, placement, seed=seed, hidden=(6, 5, 4), num_inputs=5, num_rows=7)
    part = "norm" if regularizer == "batchnorm" and placement == "before" else "linear"
    gates = [(f"hidden.{k}.{part}", [0.0], 0) for k in range(3)]
    return Net(case.model, deliveries_loss, (case.inputs, case.targets), gates, is_residual=True)


def convolutional(seed: int) -> Net:
    generator, model = _seeded(Convolutional, seed)
    batch = (torch.randn((5, 1, 6, 6), generator=generator), torch.randn(5, generator=generator))
    gates = [("act1", [0.0], 0), ("act2", [0.0], 0), ("act3", [-0.3, 0.5], 0)]
    return Net(model, lambda model, batch: F.l1_loss(model(batch[0]), batch[1]), batch, gates, is_residual=True)


def recurrent(seed: int) -> Net:
    generator, model = _seeded(Recurrent, seed)
    x = torch.randint(0, 5, (4, 4), generator=generator)
    return Net(model, _cross_entropy, (x, x.sum(1) % 3), [("act", [0.0], 1)])


def transformer(seed: int) -> Net:
    generator, model = _seeded(Transformer, seed)
    x = torch.randint(0, 5, (4, 3), generator=generator)
    return Net(model, _cross_entropy, (x, x.roll(-1, 1)), [("act", [0.0], 0)])


def _cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    scores, y = model(batch[0]), batch[1]
    return F.cross_entropy(scores.flatten(0, -2), y.flatten(), reduction="none").view(len(y), -1).mean(1)


def _seeded(make: Callable[[], nn.Module], seed: int) -> tuple[torch.Generator, nn.Module]:
    generator, model = torch.Generator().manual_seed(seed), make()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape, generator=generator))
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return generator, model


def random_plane(net: Net, generator: np.random.Generator, *, directions: bool) -> tuple[Plane, tuple[str, str]]:
    """Two of the model's scalars, or two directions, with a width at which gates switch; and the texts of the axes."""
    names = dict(net.model.named_parameters())
    points, half_width = int(generator.choice([5, 7])), float(generator.uniform(0.3, 1.5))
    if directions:
        seed = int(generator.integers(2**31))
        x, y = (_direction(net.model, torch.Generator().manual_seed(seed + k), f"random:{k}") for k in (1, 2))
        return Plane(x, y, half_width, points), (x.text, y.text)
    texts: list[str] = []
    while len(texts) < 2:
        name = str(generator.choice(list(names)))
        index = ",".join(str(generator.integers(size)) for size in names[name].shape)
        if f"{name}[{index}]" not in texts:
            texts.append(f"{name}[{index}]")
    return Plane(Scalar.parse(texts[0]), Scalar.parse(texts[1]), half_width, points), (texts[0], texts[1])


def _direction(model: nn.Module, generator: torch.Generator, text: str) -> Vector:
    parts = {
        name: 0.3 * torch.randn(each.shape, generator=generator, dtype=torch.float64)
        for name, each in model.named_parameters()
    }
    return Vector(text, parts, "a random direction")


def taken(net: Net, plane: Plane, *, train: bool, spec: LandscapeSpec | None = None) -> list[np.ndarray]:
    """(Y, X, B, U) for each site: what a gate takes less the value at which it switches, or the residuals last."""
    model = copy.deepcopy(net.model).double().train(train)
    state = copy.deepcopy(model.state_dict())
    inputs: dict[str, Tensor] = {}

    def note(name: str) -> Callable[..., None]:
        # the input of an activation; of a layer in front of F.relu what it returns
        def hook(module: nn.Module, taken: Any, out: Tensor) -> None:
            inputs[name] = out.detach().clone()

        def before(module: nn.Module, taken: Any) -> None:
            inputs[name] = taken[0].detach().clone()

        module = model.get_submodule(name)
        is_activation = not list(module.parameters())
        module.register_forward_pre_hook(before) if is_activation else module.register_forward_hook(hook)
        return hook

    for name, _, _ in net.gates:
        note(name)
    x_B, y_B = (each.double() if each.is_floating_point() else each for each in net.batch)
    found: list[list[np.ndarray]] = []
    for point in range(plane.points**2):
        model.load_state_dict(state)
        with torch.no_grad():
            tensors: dict[str, Tensor] = dict(model.named_parameters())
            for axis, step in zip((plane.x, plane.y), plane.at(point), strict=True):
                if isinstance(axis, Scalar):
                    tensors[axis.name][axis.index] += step
                else:
                    for name, part in axis.parts.items():
                        tensors[name].add_(step * part)
        arguments: tuple[Any, ...] = (x_B,)
        if isinstance(net.model, MLP) and train and net.model.regularizer.draws_masks:
            seed = 0 if spec is None else spec.seed
            masks = numbered_masks(net.model.regularizer, seed, 0, len(x_B), net.model.widths)
            arguments = (x_B, [mask.double() for mask in masks])
        predictions = model(*arguments)
        sites = []
        for name, values, axis in net.gates:
            of_rows = inputs[name].movedim(axis, 0).flatten(1)
            sites += [(of_rows - value).numpy() for value in values]
        if net.is_residual:
            sites.append((predictions - y_B).detach()[:, None].numpy())
        found.append(sites)
    shape = (plane.points, plane.points)
    return [np.stack(site).reshape(*shape, *site[0].shape) for site in zip(*found, strict=True)]
