"""`gradviz why`."""

import argparse

from gradviz.compute.choice import open_store
from gradviz.compute.study_landscape import problem_of
from gradviz.experiment.device import resolve_device
from gradviz.landscape.replay import Scalar, why_zero
from gradviz.landscape.request import WhyRequest
from gradviz.numbers import number
from gradviz.settings import load_settings

_OPTIONAL = ("minibatch", "minibatch_size", "rows", "mode", "seed", "half_width")


def run(options: argparse.Namespace) -> int:
    """Prints for each parameter whether its gradient is zero, and why, with both precisions' numbers."""
    settings = load_settings(runs=options.runs, study=options.study)
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    asked = [
        WhyRequest.of(run=options.run, epoch=options.epoch, parameter=text, **given) for text in options.parameters
    ]
    problem = problem_of(open_store(settings).any_run(options.run), asked[0], resolve_device(settings.device))
    for each in asked:
        found = why_zero(problem, Scalar.parse(each.parameter), half_width=each.half_width)
        both = f"{number(found.single)} in float32, {number(found.double)} in float64"
        print(f"{each.parameter}: {found.sentence} ({both})")
    return 0
