"""The families of a run's metrics: what is measured on the training rows and on the test rows belongs together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

_OF_TEST = ("test_", "val_", "valid_", "validation_", "eval_")
_OF_TRAINING = "train_"


@dataclass(frozen=True)
class Curve:
    """A family: what is measured, its unit ("" if that is unknown), and its metrics on test and training rows."""

    name: str
    unit: str = ""
    test: str | None = None
    train: str | None = None


def curves_of(metrics: Iterable[str]) -> list[Curve]:
    """The families of these metrics, losses first, otherwise in their order; every metric is in one of them.

    `train_X` and `test_X` (or `val_X`, `valid_X`, `validation_X`, `eval_X`) are one family, X; any other metric is one
    of its own.
    """
    found: dict[str, Curve] = {}
    for metric in metrics:
        name, is_test = _parts(metric)
        known = found.get(name, Curve(name))
        if (known.test if is_test else known.train) is not None:
            name = next(name for name in _names(metric) if name not in found)
            known = Curve(name)
        found[name] = replace(known, test=metric) if is_test else replace(known, train=metric)
    return sorted(found.values(), key=lambda curve: (curve.name != "loss", "loss" not in curve.name))


def _parts(metric: str) -> tuple[str, bool]:
    """What a metric measures, and whether it does so on test rows, or just once."""
    if metric.startswith(_OF_TRAINING):
        return metric.removeprefix(_OF_TRAINING) or metric, False
    prefix = next((prefix for prefix in _OF_TEST if metric.startswith(prefix)), "")
    return metric.removeprefix(prefix) or metric, True


def _names(metric: str) -> Iterable[str]:
    """Names for a family whose own is taken: the metric's, which no space can be in, then others."""
    yield metric
    number = 2
    while True:
        yield f"{metric} {number}"
        number += 1
