"""Images of many channels in another layout: the plain loop's numbers, and the user's code sees nothing of it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.replay import Plane, Problem, Scalar, layouts
from gradviz.landscape.replay.evaluating import Replayer
from gradviz.landscape.replay.examples import ResidualNet, example
from gradviz.landscape.replay.known import Known
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.problem import CannotReplay
from tests.landscape.replay.difficulties import cross_entropy
from tests.landscape.replay.independent import FLOAT64, error_of

TOLERANCE = {torch.float32: 1e-5, torch.float64: FLOAT64}


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Few channels are many; the images that were made."""
    made = []
    init = layouts.Image.__init__

    def counted(self: layouts.Image, known: Tensor, last: Tensor) -> None:
        assert last.is_contiguous(memory_format=torch.channels_last)
        made.append(last)
        init(self, known, last)

    monkeypatch.setattr(layouts, "WIDE", 2)
    monkeypatch.setattr(layouts.Image, "__init__", counted)
    return made


def points_of(problem: Problem, x: Scalar, y: Scalar) -> tuple[Tensor, Tensor]:
    """By replay and by the loop."""
    plane = Plane(x, y, 0.2, 3)
    return Replayer(Known(problem), problem, plane).points(range(9)), by_loop(problem, plane, range(9))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize(
    "names", [("conv1.weight[1,0,2,1]", "bn1.bias[2]"), ("layers.0.0.bn2.weight[3]", "fc.bias[1]")]
)
def test_a_residual_network_stays_in_it_to_its_mean(
    names: tuple[str, str], mode: Any, dtype: torch.dtype, images: list[Tensor]
):
    torch.manual_seed(0)
    own = example(ResidualNet(widths=(4, 6)), rows=3)
    problem = Problem(own.model, own.loss, own.batch, mode, dtype=dtype)
    found, wanted = points_of(problem, *map(Scalar.parse, names))
    assert error_of(found, wanted) < TOLERANCE[dtype]
    # Of nine points each: six convolutions and a shortcut, as many norms, four rectifiers and three sums at least.
    assert len(images) > 9 * 15


def test_one_parameter_below_and_one_above(images: list[Tensor]):
    """What moves above is no image's, and what is below has been one until then."""
    torch.manual_seed(1)
    own = example(ResidualNet(widths=(4, 6)), rows=3)
    problem = Problem(own.model, own.loss, own.batch, "eval", dtype=torch.float64)
    for above in ("layers.1.0.conv2.weight[1,2,0,1]", "layers.1.1.bn1.weight[2]", "layers.1.0.shortcut.1.bias[0]"):
        found, wanted = points_of(problem, Scalar.parse("layers.0.0.conv1.weight[1,0,2,1]"), Scalar.parse(above))
        assert error_of(found, wanted) < FLOAT64
    assert images


def _views(h: Tensor) -> Tensor:
    assert h.is_contiguous()
    assert h.stride()[-1] == 1
    return h.view(len(h), -1)


def _writes_into_a_view(h: Tensor) -> Tensor:
    flat = h.view(-1)
    flat[::3] *= 2
    return h + 1


def _writes_into_it(h: Tensor) -> Tensor:
    kept = h.clone()
    h += 0.5 * torch.ones_like(h)
    h.sub_(2 * kept)
    return F.leaky_relu(h, 0.1, inplace=True)


def _goes_on_after_being_looked_at(h: Tensor) -> Tensor:
    shift = h.detach().mean()
    return 2 - F.conv2d(h - shift, torch.ones(6, 1, 3, 3), groups=6, padding=1) / h.shape[1]


def _adds_other_shapes(h: Tensor) -> Tensor:
    return h + h.mean((2, 3), keepdim=True) + torch.arange(5.0) + h.transpose(2, 3)


def _pads_with_words(h: Tensor) -> Tensor:
    return F.conv2d(h, torch.ones(3, 6, 3, 3) / 9, padding="same", bias=torch.tensor([0.1, -0.2, 0.3]))


class _Then(nn.Module):
    def __init__(self, body: nn.Module, then: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.body, self._then = body, then

    def forward(self, x: Tensor) -> Tensor:
        h = self._then(self.body(x)).flatten(1)
        return h[:, :9].reshape(len(h), 3, 3).sum(2) + h.square().mean(1, keepdim=True)


def _of(then: Callable[[Tensor], Tensor], dtype: torch.dtype) -> Problem:
    """The second convolution mixes the one channel that moves, the third makes an image, and `then` gets it."""
    torch.manual_seed(3)
    body = [nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()]
    # Softplus keeps its input for the backward pass, not what `then` writes into.
    body += [nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Softplus()]
    batch = {"x": torch.randn(4, 2, 5, 5), "y": torch.tensor([0, 2, 1, 1])}
    return Problem(_Then(nn.Sequential(*body), then), cross_entropy, batch, dtype=dtype)


SCALARS = Scalar.parse("body.0.weight[1,1,0,0]"), Scalar.parse("body.0.bias[1]")
AFTERWARDS = (
    _views,
    _writes_into_a_view,
    _writes_into_it,
    _goes_on_after_being_looked_at,
    _adds_other_shapes,
    _pads_with_words,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("then", AFTERWARDS)
def test_code_that_sees_memory_sees_its_own(then: Callable[[Tensor], Tensor], dtype: torch.dtype, images: list[Tensor]):
    found, wanted = points_of(_of(then, dtype), *SCALARS)
    assert error_of(found, wanted) < TOLERANCE[dtype]
    assert len(images) >= 9 * 3


def test_where_gradients_are_switched_off_the_loop_takes_over(images: list[Tensor]):
    def then(h: Tensor) -> Tensor:
        with torch.no_grad():
            assert h.mean() < 100
        return h

    with pytest.raises(CannotReplay, match="switched off"):
        points_of(_of(then, torch.float32), *SCALARS)
    assert images


def test_sums_in_another_order_are_the_only_difference(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    own = example(ResidualNet(widths=(4, 6)), rows=3)
    problem = Problem(own.model, own.loss, own.batch, "eval")
    scalars = Scalar.parse("conv1.weight[1,0,2,1]"), Scalar.parse("bn1.bias[2]")
    found, _ = points_of(problem, *scalars)
    monkeypatch.setattr(layouts, "WIDE", 1000)
    other, _ = points_of(problem, *scalars)
    assert not torch.equal(found, other)
    assert error_of(found, other) < TOLERANCE[torch.float32]
