"""The end of the report: the runs, the machine, the versions, and how to repeat it."""

from collections.abc import Iterator

from gradviz.report.document import Block, Heading, Table, Text
from gradviz.report.findings import Findings
from gradviz.report.naming import label_of
from gradviz.report.numbers import number


def records(findings: Findings) -> Iterator[Block]:
    """Where the numbers come from."""
    yield Heading("Runs, machine and versions", anchor="records")
    rows = []
    for seed in findings.seeds:
        mid = dict(seed.evidence.mid_epochs)
        for record in seed.evidence.runs:
            last = seed.evidence.of_run(record.name)[-1]
            rows.append(
                (
                    f"seed {record.seed}, {label_of(record)}",
                    f"{record.rows_train:,} + {record.rows_test:,}",
                    number(record.optimizer.learning_rate),
                    str(last.epoch),
                    number(mid.get(record.name)),
                    number(last.train_loss),
                    number(last.test_loss),
                    number(last.test_r2),
                    record.torch_version,
                    number(record.num_threads),
                )
            )
    head = ("run", "rows, training + test", "learning rate", "epochs", "mid-training", "train loss", "test loss",
            "test R²", "trained with torch", "CPU threads")  # fmt: skip
    yield Table(head, tuple(rows), "Losses are mean |prediction − target| after the last epoch, in eval mode.")
    machine = findings.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages)
    yield Text(
        f"Measured by gradviz {findings.gradviz_version} with Python {machine.python}, {packages}, on"
        f" {machine.processor} ({machine.cores} cores, {machine.threads} threads, device {machine.device},"
        f" {machine.system})."
    )
    seeds = ",".join(str(seed.evidence.seed) for seed in findings.seeds)
    preset = findings.seeds[0].evidence.runs[0].preset
    yield Text(
        f"Repeat it with gradviz report --preset {preset} --seeds {seeds} --out DIR. It trains, measures and draws only"
        " what is missing; the same runs give the same files. docs/science.md has the definitions, rules and limits."
    )
