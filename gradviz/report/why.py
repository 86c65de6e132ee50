"""The report's explanations: sign balance, the moved output bias, the masks' share of the variance, curl."""

from collections.abc import Iterator

from gradviz.evidence import rules
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.roles import BATCHNORM, DROPOUT
from gradviz.report.captions import pictures_of
from gradviz.report.charts import BALANCE
from gradviz.report.concluding import on_curl, on_each_run, on_moved_bias, on_norm
from gradviz.report.document import Block, Heading, Table, Text
from gradviz.report.findings import Findings
from gradviz.report.naming import labels_of
from gradviz.report.numbers import estimate, number, percent


def why(findings: Findings) -> Iterator[Block]:
    """Why minibatches agree or disagree; the tables have every seed."""
    evidence = findings.seeds[0].evidence
    yield Heading("Why: the signs of the residuals", anchor="why")
    yield Text(
        "The loss is mean |prediction − target|, so its gradient is a sum of one signed term per row: the sign of the"
        " row's residual times the gradient of its prediction. If the signs alone counted, minibatches would pull the"
        " same way where nearly all rows lie on one side of their targets, and by the accident of the draw where half"
        " lie on each side. With s the share of rows predicted below their target, |2s − 1| measures this balance."
        f" {on_each_run(findings)}"
    )
    yield from pictures_of(BALANCE.key, evidence)
    yield _correlations(findings)
    yield from _laws(findings)
    if _has_norm_above(findings):
        said = on_norm(findings)
        yield from [Text(said)] if said else []
    yield from _interventions(findings)
    yield from _masks(findings)
    yield from _scenes(evidence)
    yield from _controls(findings)


def _has_norm_above(findings: Findings) -> bool:
    """Whether every run has the source's layers, with the norm before the activation where there is one."""
    runs = [run for seed in findings.seeds for run in seed.evidence.runs]
    return all(not run.regularizer.norm_after and len(run.hidden) == max(rules.LAYERS) + 1 for run in runs)


def _controls(findings: Findings) -> Iterator[Block]:
    """Commands that make an effect go away."""
    evidence = findings.seeds[0].evidence
    seeds = ",".join(str(seed.evidence.seed) for seed in findings.seeds)
    yield Heading("Controls to run", 3)
    rows = [("output bias at the median", "the table above; in Python, gradviz.evidence.balancing.with_output_shift")]
    dropout, norm = evidence.record(DROPOUT), evidence.record(BATCHNORM)
    if dropout is not None:
        command = f"gradviz landscape --run {dropout.name} --mode train --masks frozen …"
        rows.append(("one set of masks for all points", command))
    if norm is not None:
        command = f"gradviz report --norm-placement after --seeds {seeds} --runs after --out report-after"
        rows.append(("norm after the activation", command))
        rows.append(("running statistics", f"gradviz landscape --run {norm.name} --mode eval …"))
    yield Table(("control", "how"), tuple(rows))


def _correlations(findings: Findings) -> Table:
    rows = []
    for seed in findings.seeds:
        for each in seed.evidence.sign_balance:
            names = labels_of(seed.evidence, each.variants)
            runs = names[0] if len(names) == 1 else "all runs"
            name = f"seed {seed.evidence.seed}, {runs}, {each.scope}"
            rows.append((name, estimate(each.spearman), number(each.num_checkpoints)))
    return Table(
        ("runs and parameters", "Spearman [95 %]", "checkpoints"),
        tuple(rows),
        "Rank correlation of sign balance |2s − 1| and agreement R. The intervals treat the checkpoints of one run as"
        " independent; these follow each other, so the intervals are too narrow.",
    )


def _laws(findings: Findings) -> Iterator[Block]:
    rows = []
    for seed in findings.seeds:
        for each in seed.evidence.sign_laws:
            [name] = labels_of(seed.evidence, (each.run,))
            what = "all parameters" if each.scope == "model" else each.scope
            rows.append(
                (f"seed {seed.evidence.seed}, {name}, {what}", estimate(each.fit), number(each.num_checkpoints))
            )
    if rows:
        yield Text(
            "The sign law says how R would depend on the balance if each minibatch's gradient pointed along one line,"
            " up or down by the sign of most of its residuals: with m = 2 Φ(√B (2s − 1) / √(4 s (1 − s))) − 1 for"
            " minibatches of B rows, R² = (1 + (K − 1) m²) / K. Nothing in it is fitted to the gradients."
        )
        yield Table(
            ("runs and parameters", "R² of the sign law [95 %]", "checkpoints"),
            tuple(rows),
            "The share of R's variance over the checkpoints that the sign law gives: 1 if it is exact, 0 or less where"
            " the mean of R would do as well. The intervals treat checkpoints as independent, and are too narrow.",
        )


def _interventions(findings: Findings) -> Iterator[Block]:
    rows = []
    for seed in findings.seeds:
        for each in seed.evidence.interventions:
            rows.append(
                (
                    f"seed {seed.evidence.seed}, epoch {each.epoch}, {each.scope}",
                    number(each.shift),
                    f"{percent(each.before.share_below)} → {percent(each.after.share_below)}",
                    estimate(each.before.resultant),
                    estimate(each.after.resultant),
                )
            )
    if rows:
        yield Text(
            "A correlation may have another cause, so this control changes the balance and nothing else. It moves the"
            " output bias of the mid-training checkpoint with the least balanced signs by the median residual,"
            f" {on_moved_bias(findings)} No other parameter moves."
        )
        head = ("no regularizer", "moved by", "rows below target", "R before", "R after")
        yield Table(head, tuple(rows), "How the agreement changes when one number, the output bias, moves.")


def _masks(findings: Findings) -> Iterator[Block]:
    rows = [
        (f"seed {seed.evidence.seed}, epoch {each.epoch}, {each.scope}", estimate(each.masks_share, "%"),
         f"{each.num_minibatches} × {each.num_masks}")
        for seed in findings.seeds
        for each in seed.evidence.mask_splits
    ]  # fmt: skip
    if rows:
        yield Heading("Dropout: masks or minibatches?", 3)
        yield Table(
            ("biases under dropout", "share of the masks", "minibatches × masks"),
            tuple(rows),
            "The share of the gradient's variance that comes from the masks, not from the choice of rows.",
        )


def _scenes(evidence: Evidence) -> Iterator[Block]:
    rows = []
    for scene in evidence.scenes:
        for panel in scene.panels:
            rough, agreement = panel.roughness, panel.agreement
            rows.append(
                (
                    f"{scene.key}, layer {panel.view.refs[0].layer}",
                    estimate(agreement.resultant),
                    estimate(agreement.opposite, "%"),
                    percent(agreement.share_below),
                    estimate(rough.angle, "°"),
                    number(rough.difference.value),
                    percent(rough.distinct.value),
                    number(rough.curl.value),
                )
            )
    yield Heading("All pictures in numbers", 3)
    yield Table(
        ("picture", "R", "opposite pairs", "below target", "neighbours' angle", "difference", "distinct", "curl"),
        tuple(rows),
        f"Seed {evidence.seed}. Agreement compares the arrows at the centre. Roughness is a mean over the minibatches'"
        " fields: the mean angle and the relative difference between neighbouring arrows, and the share of distinct"
        " vectors. The curl is relative: 0 for the gradient of one smooth loss, about 1 where each arrow belongs to"
        f" another loss, or where a landscape is constant in pieces and changes on edges alone. {on_curl(evidence)}",
    )
