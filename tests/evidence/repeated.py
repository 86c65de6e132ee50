"""Trainings with another number of CPU threads, as runs and as evidence made by hand.

Tiny networks are too small for threads to round anything differently.
"""

import json
import shutil
from pathlib import Path

import torch

from gradviz.evidence.controls import Apart
from gradviz.evidence.measurements import Evidence, Replicate
from gradviz.experiment.run_directory import RECORD_NAME, checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.tensor_file import read_tensors, write_tensors
from tests.evidence.made import drift, evidence, random_pairs, record, rough_pairs, round_off, scene


def repeated(runs: Path, name: str, *, moved: float = 1e-3, **changes: object) -> str:
    """A copy of a run with 2 threads instead of 1, `moved` by so much after epoch 0, some of its record changed."""
    own = f"{name}-threads-2"
    shutil.copytree(runs / name, runs / own)
    told = json.loads((runs / name / RECORD_NAME).read_text())
    (runs / own / RECORD_NAME).write_text(json.dumps(told | {"name": own, "num_threads": 2} | changes))
    generator = torch.Generator().manual_seed(0)
    for epoch in RunStore(runs).run(name).epochs()[1:] if moved else ():
        path = checkpoint_path(runs / own, epoch)
        tensors = read_tensors(path)
        drawn = {
            key: tensor + moved * torch.randn(tensor.shape, generator=generator)
            if tensor.is_floating_point() and "running" not in key
            else tensor
            for key, tensor in tensors.items()
        }
        write_tensors(path, drawn)
    return own


def replicate(run: str = "batchnorm", *, apart: float | None = 0.8, **changes: object) -> Replicate:
    """Of a run with 2 threads instead of 1; by it each claim that holds by `evidence()` does not."""
    own = f"{run}-threads-2"
    values: dict[str, object] = {
        "of": run,
        "record": record(run, name=own, num_threads=2),
        "aparts": tuple(
            Apart(run=run, other=own, epoch=epoch, num_parameters=1234, of_way=apart) for epoch in (1, 3, 5)
        ),
    }
    if run == "batchnorm":
        values |= {
            "scenes": (scene("batchnorm-beta", own, opposite=0.1, angle=5),),
            "random_pairs": random_pairs("batchnorm-beta", own),
            "rough_pairs": (
                *rough_pairs("batchnorm-linear", own, num_live=0),
                *rough_pairs("batchnorm-beta", own, 4, 5, 6),
            ),
            "drifts": (drift(own, beta=0.1, gamma=0.1),),
            "round_off": round_off(1e-3),
        }
    return Replicate.model_validate(values | changes)


def with_replicates(*found: Replicate) -> Evidence:
    runs = tuple(record(run, num_threads=1) for run in ("none", "dropout", "batchnorm"))
    return evidence(runs=runs, by_threads=found)
