"""`gradviz minibatch`."""

import argparse

from gradviz.commands.output import output_path, write_output
from gradviz.compute.choice import open_store
from gradviz.compute.export import npz_bytes
from gradviz.experiment.batches import arrays_of, num_rows
from gradviz.experiment.study_run import StudyRun
from gradviz.settings import load_settings

_DEFAULT_SIZE = 64


def run(options: argparse.Namespace) -> int:
    """Writes `inputs` (B, I) and `targets` (B,), both float32; of a run of another study all tensors by their places
    in the minibatch."""
    path = output_path(options.out, (".npz",))
    settings = load_settings(runs=options.runs, study=options.study)
    size = _DEFAULT_SIZE if options.minibatch_size is None else options.minibatch_size
    asked = open_store(settings).any_run(options.run)
    if isinstance(asked, StudyRun):
        batch = asked.minibatch(options.minibatch, size)
        arrays, size = arrays_of(batch), num_rows(batch)
    else:
        rows = asked.minibatch(options.minibatch, size)
        arrays = {"inputs": rows.inputs_BI.numpy(), "targets": rows.targets_B.numpy()}
    write_output(path, npz_bytes(arrays))
    print(f"{path}: minibatch {options.minibatch} of {options.run}, {size} rows")
    return 0
