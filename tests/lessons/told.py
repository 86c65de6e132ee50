"""The numbers of a lesson, computed from fields and plain backward passes, to hold the page's own to
(assets/pure/lessonnumbers.js measures those from its frames)."""

import math
import re

import numpy as np
import torch

from gradviz.dashboard.permalink import View
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeSpec, gradient_landscape, unit_activity

_UNIT = re.compile(r"hidden\.(\d+)\.linear\.bias\[(\d+)\]")
_INSIDE = -2 * math.log(1 - 0.95)


def numbers(store: RunStore, view: View, of: str | None = None, picture: int = 1) -> dict[str, float]:
    """All numbers of a picture of `view` by name, of the run `of` (None: of the one on show)."""
    run = store.run(of or (view.compared[0] if view.view == "compare" else view.run))
    x, y = ((view.x_a, view.y_a), (view.x_b, view.y_b))[picture - 1]
    assert view.epoch is not None
    assert x
    assert y
    spec = LandscapeSpec(
        x=x,
        y=y,
        mode=view.mode,
        masks=view.masks,
        seed=view.seed,
        half_width=view.half_width or 0.1,
        points=view.points or 21,
    )
    minibatch = run.minibatch(view.minibatch, view.minibatch_size)
    field = gradient_landscape(run.model(view.epoch), minibatch.inputs_BI, minibatch.targets_B, spec)
    told = of_field(field) | _active(run, view, x, y) | of_metrics(run, view.epoch)
    told |= {"minibatch": view.minibatch, "num_rows": len(minibatch.targets_B)}
    return told | (_of_minibatches(run, view, x, y) if view.mode == "eval" else {})


def of_field(field: GradientField) -> dict[str, float]:
    """Of the field of one minibatch."""
    middle = field.u.shape[0] // 2
    u, v = (np.where(field.is_zero, 0.0, part).astype(float) for part in (field.u, field.v))
    size = np.hypot(u, v)
    return {
        "length": float(size[middle, middle]),
        "slope_x": float(u[middle, middle]),
        "slope_y": float(v[middle, middle]),
        "loss": float(field.loss[middle, middle]),
        "loss_span": float(field.loss.max() - field.loss.min()),
        "largest": float(size.max()),
        "roughness": _roughness(u, v, np.asarray(field.is_zero)),
        "zero_share": float(np.mean(field.is_zero)),
        "share_below": field.share_below,
    }


def of_metrics(run: Run, epoch: int) -> dict[str, float]:
    (line,) = (line for line in run.metrics() if line.epoch == epoch)
    return {"epoch": epoch, "train_loss": line.train_loss, "test_loss": line.test_loss}


def _roughness(u: np.ndarray, v: np.ndarray, is_zero: np.ndarray) -> float:
    angles = []
    for j, i in np.ndindex(u.shape):
        for k, m in ((j, i + 1), (j + 1, i)):
            if k < u.shape[0] and m < u.shape[1] and not is_zero[j, i] and not is_zero[k, m]:
                turn = math.atan2(v[k, m], u[k, m]) - math.atan2(v[j, i], u[j, i])
                angles.append(abs((turn + math.pi) % (2 * math.pi) - math.pi))
    return math.degrees(float(np.mean(angles))) if angles else math.nan


def _active(run: Run, view: View, x: str, y: str) -> dict[str, float]:
    assert view.epoch is not None
    rows = run.minibatch(view.minibatch, view.minibatch_size).inputs_BI
    shares = unit_activity(run.model(view.epoch), rows)
    found = {"active_x": _UNIT.fullmatch(x), "active_y": _UNIT.fullmatch(y)}
    return {name: float(shares[int(unit[1])][int(unit[2])]) for name, unit in found.items() if unit}


def _of_minibatches(run: Run, view: View, x: str, y: str) -> dict[str, float]:
    """Of all minibatches at the checkpoint, in eval mode."""
    assert view.epoch is not None
    model = run.model(view.epoch).eval()
    size = view.minibatch_size
    batches = [run.minibatch(k, size) for k in range(run.num_minibatches(size))]
    gradients_K2 = np.array([_gradient(model, batch.inputs_BI, batch.targets_B, (x, y)) for batch in batches])
    lengths_K = np.linalg.norm(gradients_K2, axis=1)
    live_K2 = gradients_K2[lengths_K > 0] / lengths_K[lengths_K > 0, None]
    with torch.inference_mode():
        below = [(model(batch.inputs_BI) < batch.targets_B).float().mean().item() for batch in batches]
    angle_K = np.arctan2(gradients_K2[:, 1], gradients_K2[:, 0])
    turn = (angle_K[view.minibatch] - angle_K[0] + math.pi) % (2 * math.pi) - math.pi
    pairs = [a @ b for k, a in enumerate(live_K2) for b in live_K2[k + 1 :]]
    told = {
        "num_minibatches": len(batches),
        "zero_minibatches": len(batches) - len(live_K2),
        "share_below_all": float(np.mean(below)),
        "turn": math.degrees(abs(turn)),
    }
    if len(live_K2) > 1:
        told |= {"R": float(np.linalg.norm(live_K2.mean(0))), "opposite": float(np.mean(np.array(pairs) < 0))}
    return told | ({"inside": _inside(run, view, gradients_K2, (x, y))} if "sampling" in view.show else {})


def _inside(run: Run, view: View, gradients_K2: np.ndarray, axes: tuple[str, str]) -> float:
    """The share of the minibatches' gradients in the sampling ellipse, whose covariance is that of all their rows."""
    assert view.epoch is not None
    model, size = run.model(view.epoch).eval(), view.minibatch_size
    batches = [run.minibatch(k, size) for k in range(len(gradients_K2))]
    rows = [
        _gradient(model, batch.inputs_BI[b : b + 1], batch.targets_B[b : b + 1], axes)
        for batch in batches
        for b in range(size)
    ]
    covariance_22 = (1 / size - 1 / len(rows)) * np.cov(np.array(rows).T)
    apart_K2 = gradients_K2 - np.mean(rows, axis=0)
    return float(np.mean(np.einsum("ki,ij,kj->k", apart_K2, np.linalg.pinv(covariance_22), apart_K2) <= _INSIDE))


def _gradient(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, axes: tuple[str, str]
) -> list[float]:
    """∂J/∂x₁ and ∂J/∂x₂ by one backward pass."""
    named = dict(model.named_parameters())
    places = [(name.partition("[")[0], tuple(map(int, name.partition("[")[2][:-1].split(",")))) for name in axes]
    loss = (model(inputs).reshape(-1) - targets).abs().mean()
    tensors = [named[name] for name, _ in places]
    parts = torch.autograd.grad(loss, tensors)
    return [part[index].item() for part, (_, index) in zip(parts, places, strict=True)]
