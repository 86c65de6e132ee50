"""`gradviz bench`."""

import argparse

from gradviz.commands.output import output_path
from gradviz.landscape import bench
from gradviz.landscape.replay import bench as replay_bench


def run(options: argparse.Namespace) -> int:
    """Times the engine or replay, the plain loop and vmap; prints a table, and writes the figures to `--json`."""
    path = None if options.json is None else output_path(options.json, (".json",), "--json")
    if options.method == "replay":
        replay_bench.main(path)
    else:
        bench.main(path)
    return 0
