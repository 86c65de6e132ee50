"""`gradviz bench`."""

import argparse

from gradviz.commands.output import output_path
from gradviz.landscape import bench


def run(options: argparse.Namespace) -> int:
    """Times the engine, the reference loop and vmap; prints a table, and writes the figures to `--json`."""
    bench.main(None if options.json is None else output_path(options.json, (".json",), "--json"))
    return 0
