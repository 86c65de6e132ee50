"""`gradviz minibatch`."""

import argparse
import io

import numpy as np

from gradviz.commands.output import output_path, write_output
from gradviz.experiment.store import RunStore
from gradviz.settings import load_settings

_DEFAULT_SIZE = 64


def run(options: argparse.Namespace) -> int:
    """Writes `inputs` (B, I) and `targets` (B,), both float32."""
    path = output_path(options.out, (".npz",))
    settings = load_settings(runs=options.runs)
    size = _DEFAULT_SIZE if options.minibatch_size is None else options.minibatch_size
    minibatch = RunStore(settings.runs).run(options.run).minibatch(options.minibatch, size)
    content = io.BytesIO()
    np.savez_compressed(content, inputs=minibatch.inputs_BI.numpy(), targets=minibatch.targets_B.numpy())
    write_output(path, content.getvalue())
    print(f"{path}: minibatch {options.minibatch} of {options.run}, {size} rows")
    return 0
