"""The charts of a report, each one value: its key, how the evidence draws it, and its caption."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gradviz.drawing.inks import PALETTES
from gradviz.evidence.controls import Drift
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Checkpoint, Null
from gradviz.evidence.sign_law import law, points_of
from gradviz.evidence.values import BIASES, Estimate, Scope
from gradviz.experiment.run_record import RunRecord
from gradviz.report.chart import Chart, Plot, Series
from gradviz.report.concluding import on_balance
from gradviz.report.naming import COLOURS, colour_of, label_of

_FAINT = PALETTES["light"].zero
_DURING, _AT_START = COLOURS[:2]
_LAW_POINTS = 200
_SHARE = (-0.03, 1.03)
_NOTHING = Estimate(value=None)


@dataclass(frozen=True)
class ChartKind:
    """`draw` and `caption` return None where there is nothing to draw."""

    key: str
    draw: Callable[[Evidence], Chart | None]
    caption: Callable[[Evidence], str | None]


def charts_of(evidence: Evidence) -> dict[str, Chart]:
    """Every chart by its key, without those that would be empty."""
    drawn = {kind.key: kind.draw(evidence) for kind in CHARTS}
    return {key: chart for key, chart in drawn.items() if chart is not None}


@dataclass(frozen=True)
class _Run:
    label: str
    colour: str
    checkpoints: list[Checkpoint]


def _runs_of(evidence: Evidence) -> Iterator[_Run]:
    for record in evidence.runs:
        yield _Run(label_of(record), colour_of(record), evidence.of_run(record.name))


def _losses(evidence: Evidence) -> Chart:
    """Training and test loss of each run, as log10."""
    series = []
    for run in _runs_of(evidence):
        for name, is_test in (("train", False), ("test", True)):
            losses = [each.test_loss if is_test else each.train_loss for each in run.checkpoints]
            series.append(
                Series(
                    f"{run.label}, {name}",
                    tuple(each.epoch for each in run.checkpoints),
                    tuple(_log10(loss) for loss in losses),
                    run.colour,
                    dashed=not is_test,
                    labels=tuple(f"{name} loss {loss:.4g}" for loss in losses),
                )
            )
    return Chart("epoch", (Plot("log10 loss", tuple(series)),), row_scale=1.5)


def _losses_caption(evidence: Evidence) -> str:
    names = ", ".join(label_of(record).lower() for record in evidence.runs)
    return f"Training loss (dotted) and test loss (solid): {names}."


@dataclass(frozen=True)
class _Row:
    """One quantity of a checkpoint over the epochs."""

    title: str
    read: Callable[[Checkpoint], Estimate]
    limits: tuple[float, float] | None = None
    has_interval: bool = False

    def plot(self, evidence: Evidence) -> Plot:
        return Plot(self.title, tuple(self._series(run) for run in _runs_of(evidence)), self.limits)

    def _series(self, run: _Run) -> Series:
        found = [self.read(each) for each in run.checkpoints]
        return Series(
            run.label,
            tuple(each.epoch for each in run.checkpoints),
            tuple(each.value for each in found),
            run.colour,
            low=tuple(each.low for each in found) if self.has_interval else (),
            high=tuple(each.high for each in found) if self.has_interval else (),
        )


_ROWS = (
    _Row("log10 loss", lambda each: Estimate(value=_log10(each.train_loss))),
    _Row("R", lambda each: _resultant(each, "biases 1"), _SHARE, has_interval=True),
    _Row("mean cosine", lambda each: _cosine(each), has_interval=True),
    _Row("|2s − 1|", lambda each: Estimate(value=each.balance), _SHARE),
    _Row("angle, °", lambda each: each.roughness.angle),
)


def _over_epochs(evidence: Evidence) -> Chart:
    """Under the loss: R and mean cosine of the biases of hidden layer 1, sign balance, and the roughness."""
    return Chart("epoch", tuple(row.plot(evidence) for row in _ROWS))


def _over_epochs_caption(evidence: Evidence) -> str:
    stands = "; β stands for the biases under batch normalization" if evidence.has_norm_before else ""
    return (
        "Loss, agreement R and mean cosine of the biases of hidden layer 1, sign balance, and the mean angle between"
        f" neighbouring arrows, over the epochs. Each run in the mode that it is trained in{stands}."
    )


def _balance(evidence: Evidence) -> Chart:
    """Every checkpoint: sign balance |2s - 1| against agreement R, for the biases of both layers and the whole model,
    under the sign law."""
    plots = []
    for scope, layer in BIASES.items():
        series = tuple(
            Series(
                run.label,
                tuple(each.balance for each in run.checkpoints),
                tuple(_resultant(each, scope).value for each in run.checkpoints),
                run.colour,
                line=False,
                labels=tuple(f"{run.label}, epoch {each.epoch}" for each in run.checkpoints),
            )
            for run in _runs_of(evidence)
        )
        there = [each for each in series if any(y is not None for y in each.y)]
        plots.append(Plot(f"R, hidden layer {layer}", (*there, *_law_of(evidence)), _SHARE))
    wholes = tuple(
        Series(
            run.label,
            tuple(balance for balance, _, _ in points),
            tuple(resultant for _, resultant, _ in points),
            run.colour,
            line=False,
        )
        for record, run in zip(evidence.runs, _runs_of(evidence), strict=True)
        if (points := points_of(evidence, record.name, "model"))
    )
    if wholes:
        plots.append(Plot("R, whole model", (*wholes, *_law_of(evidence)), _SHARE))
    title = "|2s − 1|: 0 if half of the rows lie below their target, 1 if all or none do"
    return Chart(title, tuple(plots), row_scale=1.3)


def _law_of(evidence: Evidence) -> Iterator[Series]:
    """The sign law, for as many minibatches of as many rows as were measured."""
    found = next((each.agreements[0].agreement for each in evidence.checkpoints if each.agreements), None)
    if found is not None:
        x = tuple(k / _LAW_POINTS for k in range(_LAW_POINTS + 1))
        y = tuple(law(each, found.minibatch_size, found.num_minibatches) for each in x)
        yield Series("sign law", x, y, _FAINT, dashed=True, markers=False)


def _balance_caption(evidence: Evidence) -> str:
    return (
        f"Every checkpoint of every run: sign balance and agreement. {on_balance(evidence)} Dotted: the sign law, by"
        " which nothing but the signs of the residuals counts, without a free parameter."
    )


def _null_model(evidence: Evidence) -> Chart | None:
    """R measured and predicted by minibatch size, at the start and during training."""
    nulls = evidence.nulls
    if not nulls:
        return None
    plots = []
    for scope in dict.fromkeys(null.scope for null in nulls):
        own = [null for null in nulls if null.scope == scope]
        series = [
            each
            for epoch in dict.fromkeys(null.epoch for null in own)
            for each in _null_series(epoch, [null for null in own if null.epoch == epoch])
        ]
        plots.append(Plot(f"R, {scope}", tuple(series), _SHARE))
    sizes = sorted({null.minibatch_size for null in nulls})
    ticks = tuple((math.log2(size), str(size)) for size in sizes)
    return Chart("rows of a minibatch", tuple(plots), x_ticks=ticks, row_scale=1.2)


def _null_series(epoch: int, nulls: list[Null]) -> Iterator[Series]:
    x = tuple(math.log2(null.minibatch_size) for null in nulls)
    measured = [null.measured_resultant for null in nulls]
    for name, found, colour, dashed in (
        ("measured", measured, _DURING if epoch else _AT_START, False),
        ("random rows", [null.random_resultant for null in nulls], _FAINT, True),
    ):
        yield Series(
            f"epoch {epoch}, {name}",
            x,
            tuple(each.value for each in found),
            colour,
            low=tuple(each.low for each in found),
            high=tuple(each.high for each in found),
            dashed=dashed,
        )


def _null_caption(evidence: Evidence) -> str | None:
    if not evidence.nulls:
        return None
    return "R of the biases by minibatch size: measured, and of minibatches of random rows (middle 95 %)."


def _drift(evidence: Evidence) -> Chart | None:
    """How far linear biases, β and γ have moved since epoch 0, over the epochs."""
    kinds: list[tuple[str, Callable[[Drift], float | None]]] = [
        ("linear biases moved", lambda each: each.bias_rms),
        ("β", lambda each: each.beta_rms),
        ("|γ| − 1", lambda each: each.gamma_rms),
    ]
    plots = []
    for title, read in kinds:
        series = [each for record in evidence.runs for each in _drift_series(evidence, record, read)]
        if series:
            plots.append(Plot(title, tuple(series)))
    return Chart("epoch", tuple(plots)) if plots else None


def _drift_series(evidence: Evidence, record: RunRecord, read: Callable[[Drift], float | None]) -> Iterator[Series]:
    own = [each for each in evidence.drifts if each.run == record.name and read(each) is not None]
    for layer in sorted({each.layer for each in own}):
        line = [each for each in own if each.layer == layer]
        yield Series(
            f"{label_of(record)}, layer {layer}",
            tuple(each.epoch for each in line),
            tuple(read(each) for each in line),
            colour_of(record),
            dashed=layer > 0,
            labels=tuple(f"{label_of(record)}, hidden layer {layer}" for _ in line),
        )


def _drift_caption(evidence: Evidence) -> str | None:
    if not evidence.drifts:
        return None
    return (
        "Root mean square over the units of what has changed since epoch 0, in each hidden layer (the first solid, the"
        " others dotted): linear biases, β, and |γ| − 1. Before a norm the gradient of a linear bias is exactly 0."
    )


def _log10(loss: float) -> float | None:
    return math.log10(loss) if loss > 0 else None


def _resultant(checkpoint: Checkpoint, scope: Scope) -> Estimate:
    agreement = checkpoint.agreement(scope)
    return agreement.resultant if agreement else _NOTHING


def _cosine(checkpoint: Checkpoint) -> Estimate:
    agreement = checkpoint.agreement("biases 1")
    return agreement.cosine if agreement else _NOTHING


LOSSES = ChartKind("losses", _losses, _losses_caption)
OVER_EPOCHS = ChartKind("over-epochs", _over_epochs, _over_epochs_caption)
BALANCE = ChartKind("balance", _balance, _balance_caption)
NULL_MODEL = ChartKind("null", _null_model, _null_caption)
DRIFT = ChartKind("drift", _drift, _drift_caption)
CHARTS = (LOSSES, OVER_EPOCHS, BALANCE, NULL_MODEL, DRIFT)
