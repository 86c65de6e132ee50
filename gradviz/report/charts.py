"""The charts of a report, from its evidence: losses, agreement over epochs, sign balance, the null model."""

import math
from collections.abc import Callable, Sequence

from gradviz.drawing.inks import PALETTES, VARIANT_LABELS
from gradviz.evidence.measurements import Checkpoint, Estimate, Evidence, Null, Scope
from gradviz.report.chart import Chart, Plot, Series

_COLOURS = PALETTES["light"].variants
_FAINT = PALETTES["light"].zero
_SHARE = (-0.03, 1.03)


def charts_of(evidence: Evidence) -> dict[str, Chart]:
    """Every chart by its key; those that there is nothing to draw of are left out."""
    charts = {"losses": losses(evidence), "over-epochs": over_epochs(evidence), "balance": balance(evidence)}
    if evidence.nulls:
        charts["null"] = null_model(evidence.nulls)
    return charts


def losses(evidence: Evidence) -> Chart:
    """Training and test loss of each variant, as log10."""
    series = []
    for variant, checkpoints in _by_run(evidence):
        for name, dashed, loss in (("train", True, lambda c: c.train_loss), ("test", False, lambda c: c.test_loss)):
            values = [(each, loss(each)) for each in checkpoints]
            series.append(
                Series(
                    f"{VARIANT_LABELS[variant]}, {name}",
                    tuple(each.epoch for each, _ in values),
                    tuple(math.log10(value) if value > 0 else None for _, value in values),
                    _COLOURS[variant],
                    dashed=dashed,
                    labels=tuple(f"{name} loss {value:.4g}" for _, value in values),
                )
            )
    return Chart("epoch", (Plot("log10 loss", tuple(series)),), row_scale=1.5)


def over_epochs(evidence: Evidence) -> Chart:
    """Under the loss: R and mean cosine of the biases of hidden layer 1, sign balance, and the roughness."""
    rows: Sequence[tuple[str, Callable[[Checkpoint], Estimate | None], tuple[float, float] | None]] = (
        ("log10 loss", _loss, None),
        ("R", lambda each: _agreement(each, "resultant"), _SHARE),
        ("mean cosine", lambda each: _agreement(each, "cosine"), None),
        ("|2s − 1|", lambda each: Estimate(value=each.balance), _SHARE),
        ("angle, °", _angle, None),
    )
    plots = []
    for title, read, limits in rows:
        series = []
        for variant, checkpoints in _by_run(evidence):
            found = [read(each) or Estimate(value=None) for each in checkpoints]
            shows_interval = title in ("R", "mean cosine")
            series.append(
                Series(
                    VARIANT_LABELS[variant],
                    tuple(each.epoch for each in checkpoints),
                    tuple(each.value for each in found),
                    _COLOURS[variant],
                    low=tuple(each.low for each in found) if shows_interval else (),
                    high=tuple(each.high for each in found) if shows_interval else (),
                )
            )
        plots.append(Plot(title, tuple(series), limits))
    return Chart("epoch", tuple(plots))


def balance(evidence: Evidence) -> Chart:
    """Every checkpoint: sign balance |2s - 1| against agreement R, for the biases of both layers."""
    plots = []
    scopes: tuple[tuple[Scope, int], ...] = (("biases 1", 1), ("biases 2", 2))
    for scope, layer in scopes:
        series = []
        for variant, checkpoints in _by_run(evidence):
            found = [(each, each.agreement(scope)) for each in checkpoints]
            series.append(
                Series(
                    VARIANT_LABELS[variant],
                    tuple(each.balance for each, _ in found),
                    tuple(agreement.resultant.value if agreement else None for _, agreement in found),
                    _COLOURS[variant],
                    line=False,
                    labels=tuple(f"{VARIANT_LABELS[variant]}, epoch {each.epoch}" for each, _ in found),
                )
            )
        plots.append(Plot(f"R, hidden layer {layer}", tuple(series), _SHARE))
    return Chart("|2s − 1|: 0 if half of the rows lie below their target, 1 if all or none do", tuple(plots),
                 row_scale=1.3)  # fmt: skip


def null_model(nulls: Sequence[Null]) -> Chart:
    """R measured and predicted by minibatch size, at the start and during training."""
    plots = []
    for scope in dict.fromkeys(null.scope for null in nulls):
        series = []
        for epoch in dict.fromkeys(null.epoch for null in nulls):
            chosen = [null for null in nulls if null.scope == scope and null.epoch == epoch]
            x = tuple(math.log2(null.minibatch_size) for null in chosen)
            colour = _COLOURS["none"] if epoch else _COLOURS["dropout"]
            for name, dashed, read in (
                ("measured", False, lambda null: null.measured_resultant),
                ("random rows", True, lambda null: null.random_resultant),
            ):
                found = [read(null) for null in chosen]
                series.append(
                    Series(
                        f"epoch {epoch}, {name}",
                        x,
                        tuple(each.value for each in found),
                        colour if name == "measured" else _FAINT,
                        low=tuple(each.low for each in found),
                        high=tuple(each.high for each in found),
                        dashed=dashed,
                    )
                )
        plots.append(Plot(f"R, {scope}", tuple(series), _SHARE))
    sizes = sorted({null.minibatch_size for null in nulls})
    ticks = tuple((math.log2(size), str(size)) for size in sizes)
    return Chart("rows of a minibatch", tuple(plots), x_ticks=ticks, row_scale=1.2)


def _by_run(evidence: Evidence) -> list[tuple[str, list[Checkpoint]]]:
    return [(record.name, evidence.of_run(record.name)) for record in evidence.runs]


def _loss(checkpoint: Checkpoint) -> Estimate:
    return Estimate(value=math.log10(checkpoint.train_loss) if checkpoint.train_loss > 0 else None)


def _agreement(checkpoint: Checkpoint, statistic: str) -> Estimate | None:
    agreement = checkpoint.agreement("biases 1")
    return getattr(agreement, statistic) if agreement else None


def _angle(checkpoint: Checkpoint) -> Estimate | None:
    return checkpoint.roughness.angle
