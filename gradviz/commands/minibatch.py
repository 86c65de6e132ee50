"""`gradviz minibatch`."""

import argparse

from gradviz.commands.output import output_path, write_output
from gradviz.compute.choice import open_store
from gradviz.compute.export import npz_bytes
from gradviz.compute.study_landscape import asked_minibatch
from gradviz.experiment.batches import arrays_of, num_rows
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape.request import ComposedMinibatch
from gradviz.settings import load_settings

_OPTIONAL = ("minibatch", "minibatch_size", "rows")


def run(options: argparse.Namespace) -> int:
    """Writes `inputs` (B, I) and `targets` (B,), both float32; of a run of another study all tensors by their places
    in the minibatch."""
    path = output_path(options.out, (".npz",))
    settings = load_settings(runs=options.runs, study=options.study)
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    asked = ComposedMinibatch.of(**given)
    whose = open_store(settings).any_run(options.run)
    rows = asked_minibatch(whose, asked)
    if isinstance(whose, StudyRun):
        arrays, size = arrays_of(rows), num_rows(rows)
    else:
        arrays, size = {"inputs": rows.inputs_BI.numpy(), "targets": rows.targets_B.numpy()}, len(rows.targets_B)
    write_output(path, npz_bytes(arrays))
    print(f"{path}: {asked.minibatch_words} of {options.run}" + (f", {size} rows" if asked.rows is None else ""))
    return 0
