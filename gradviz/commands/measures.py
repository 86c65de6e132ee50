"""`gradviz measures`."""

import argparse
import json
import textwrap
from typing import Any

from gradviz.compute.choice import open_store
from gradviz.compute.measures import MeasuresQuestion, MeasuresRequest
from gradviz.compute.workbench import Workbench
from gradviz.numbers import number
from gradviz.settings import load_settings

_OPTIONAL = ("part", "which", "minibatch_size", "mode", "masks", "num_masks", "seed")
_WIDTH = 100


def run(options: argparse.Namespace) -> int:
    """Prints each measure with its 95 % interval and its paper, or why it has no number; `--json`: as the API."""
    settings = load_settings(runs=options.runs, study=options.study)
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    asked = MeasuresRequest.of(run=options.run, epoch=options.epoch, **given)
    bench = Workbench(open_store(settings), device=settings.device)
    answer = MeasuresQuestion(request=asked).answer(bench).decode()
    if options.json:
        print(answer)
        return 0
    found = json.loads(answer)
    each = f"{found['num_minibatches']} minibatches, {found['num_rows']} rows"
    print(f"{asked.run}, epoch {asked.epoch}, {asked.mode} mode, {asked.part}: {each}")
    for measure in found["measures"]:
        print(f"\n{measure['name']} ({measure['paper']}): {_told(measure)}")
        print(textwrap.fill(measure["sentence"], _WIDTH, initial_indent="  ", subsequent_indent="  "))
    return 0


def _told(measure: dict[str, Any]) -> str:
    if measure["value"] is None:
        return measure["reason"]
    text = f"{number(measure['value'])} {measure['unit']}".rstrip()
    if measure["low"] is None:
        return text
    high = "∞" if measure["high"] is None else number(measure["high"])
    return f"{text} (95 % interval {number(measure['low'])} to {high})"
