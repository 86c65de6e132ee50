"""A linear model in float64 as a training that goes on, and paths held in memory: what the tests compare with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gradviz.experiment.continuation import Moments, NotFinite, Stepping
from gradviz.experiment.optimizers import SGD, Optimizer
from gradviz.experiment.tensor_file import TensorShape
from gradviz.landscape.paths.kept import PathShape


class Linear:
    """`Continuation` of w in the prediction x w. The loss of a row is (x w - y)², or x w · y, which is linear in w."""

    name, threads, batch_size, num_train = "linear", 1, 8, 96
    optimizer: Optimizer = SGD(momentum=0.0, learning_rate=1e-3)

    def __init__(self, *, squared: bool = True, inputs: int = 6) -> None:
        generator = torch.Generator().manual_seed(3)
        self.inputs = torch.randn(self.num_train, inputs, generator=generator, dtype=torch.float64)
        self.targets = torch.randn(self.num_train, generator=generator, dtype=torch.float64) + self.inputs.sum(1)
        self.model = nn.Linear(inputs, 1, bias=False, dtype=torch.float64)
        self.squared, self.stepping = squared, Stepping.loaded(self.model, self.optimizer, {})

    def address(self, epoch: int) -> str:
        return f"linear {epoch}"

    def epochs(self) -> list[int]:
        return [0]

    def state(self, epoch: int) -> dict[str, Tensor]:
        return {"weight": torch.zeros_like(self.model.weight)}

    def saved_moments(self) -> None:
        return None

    def moment_shapes(self) -> Mapping[str, TensorShape]:
        return {}

    def minibatches(self, epoch: int) -> Tensor:
        order = torch.randperm(self.num_train, generator=torch.Generator().manual_seed(epoch))
        return order.view(-1, self.batch_size)

    def load(self, state: Mapping[str, Tensor], optimizer: Optimizer, moments: Moments) -> None:
        self.model.load_state_dict(dict(state))
        self.stepping = Stepping.loaded(self.model, optimizer, moments)

    def seed_epoch(self, epoch: int) -> None: ...

    def seed_draws(self, seed: int) -> None: ...

    def draws(self) -> Tensor:
        return torch.zeros(1, dtype=torch.uint8)

    def set_draws(self, state: Tensor) -> None: ...

    def loss(self, rows_B: Tensor) -> Tensor:
        predictions_B = self.model(self.inputs[rows_B])[:, 0]
        targets_B = self.targets[rows_B]
        return ((predictions_B - targets_B).square() if self.squared else predictions_B * targets_B).mean()

    def step(self, rows_B: Tensor) -> float:
        self.stepping.optimizer.zero_grad()
        loss = self.loss(rows_B)
        if not torch.isfinite(loss):
            raise NotFinite("The loss is not finite.")
        loss.backward()
        self.stepping.optimizer.step()
        return loss.item()

    def batch(self, rows_B: Tensor) -> tuple[Tensor, Tensor]:
        return self.inputs[rows_B], self.targets[rows_B]

    def drawn_at(self, rows_B: Tensor) -> None:
        return None

    def losses(self) -> tuple[float, float]:
        with torch.no_grad():
            return self.loss(torch.arange(self.num_train)).item(), 0.0

    def moments(self) -> dict[str, Tensor]:
        return {}


@dataclass
class HeldPath:
    """A path in memory."""

    rows: list[Tensor] = field(default_factory=list)
    told: Mapping[str, Tensor] | None = None

    def add(self, numbers: Sequence[Tensor]) -> None:
        self.rows.append(torch.cat([each.clone() for each in numbers]))

    def finish(self, told: Mapping[str, Tensor]) -> None:
        self.told = told


class Held:
    """`Kept` that holds everything at once."""

    def __init__(self) -> None:
        self.paths: dict[str, Tensor] = {}
        self.told: dict[str, dict[str, Tensor]] = {}

    def get(self, name: str) -> dict[str, Tensor] | None:
        found = self.told.get(name)
        return None if found is None else dict(found)

    def put(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        self.told[name] = dict(tensors)

    @contextmanager
    def writing(self, name: str, shape: PathShape) -> Iterator[HeldPath]:
        path = HeldPath()
        yield path
        assert path.told is not None
        self.paths[name] = torch.stack(path.rows)
        assert self.paths[name].shape == (shape.points, shape.numbers)
        self.put(name, path.told)

    def reading(self, name: str, shape: PathShape, points: slice) -> Callable[[slice], Tensor]:
        return lambda columns: self.paths[name][points, columns]
