"""`gradviz figure`."""

import argparse
import sys
from pathlib import Path

from gradviz.commands.output import output_path, write_output
from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_compute, open_store
from gradviz.dashboard.export_file import ExportFile, export_name
from gradviz.dashboard.export_query import ExportQuery, changed, read_recipe
from gradviz.dashboard.exports import steps
from gradviz.drawing.choices import FILMS, STILLS
from gradviz.settings import load_settings

_SUFFIXES = tuple(f".{kind}" for kind in (*STILLS, *FILMS, "html"))


def run(options: argparse.Namespace) -> int:
    """Makes the file of a recipe; prints its name and, of a still picture, its caption."""
    recipe = read_recipe(Path(options.recipe))
    path = output_path(options.out or export_name(recipe), _SUFFIXES)
    asked = changed(recipe, kind=path.suffix.lower().removeprefix("."), **_changes(options))
    settings = load_settings(runs=options.runs, study=options.study)
    with FieldCache(settings.cache_dir, settings.cache_bytes) as cache:
        store = open_store(settings)
        *_, made = steps(asked, open_compute(settings, store, cache), store)
    assert isinstance(made, ExportFile)
    write_output(path, made.content)
    for note in made.notes:
        print(note, file=sys.stderr)
    print(f"{path}: {_about(asked)}")
    if made.caption:
        print(made.caption)
    return 0


def _changes(options: argparse.Namespace) -> dict[str, object]:
    """What the command line changes of the recipe."""
    given = {"width_in": options.width, "colours": options.colours, "scheme": options.scheme}
    given |= {"titles": False if options.no_titles else None}
    return {name: value for name, value in given.items() if value is not None}


def _about(asked: ExportQuery) -> str:
    what = asked.content if asked.content != "fields" else f"{len(asked.panels)} panel{'s' * (len(asked.panels) > 1)}"
    return what if asked.kind in STILLS else f"{what}, over {asked.over}"
