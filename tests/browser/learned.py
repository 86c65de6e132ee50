"""Runs by which every claim can be measured: copies of others, with losses that fall, and a tenth epoch."""

import csv
import shutil
from pathlib import Path

from gradviz.evidence import rules
from gradviz.experiment.run_directory import checkpoint_path


def learned(runs: Path, path: Path) -> Path:
    """A copy in which the training loss falls to a hundredth at once, and the last checkpoint is also the tenth."""
    shutil.copytree(runs, path)
    for run in (each for each in path.iterdir() if (each / "metrics.csv").is_file()):
        with (run / "metrics.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        last = int(lines[-1]["epoch"])
        lines.append(lines[-1] | {"epoch": str(rules.BATCHNORM_EPOCH)})
        shutil.copyfile(checkpoint_path(run, last), checkpoint_path(run, rules.BATCHNORM_EPOCH))
        for k, line in enumerate(lines):
            line["train_loss"] = str(100.0 if k == 0 else 2.0 - k / 100)
        with (run / "metrics.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
    return path
