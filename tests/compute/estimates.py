"""What the page and the server must estimate alike.

`python -m tests.compute.estimates` writes tests/fixtures/estimates.json from the cases below.
"""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gradviz.compute import estimate
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.replay.coarser import coarser_sizes

FIXTURE = Path(__file__).parents[1] / "fixtures" / "estimates.json"


def run_of(num_parameters: int, *, draws_masks: bool) -> Any:
    """As much of a run as estimates ask for."""
    return SimpleNamespace(
        record=SimpleNamespace(num_parameters=num_parameters),
        capabilities=SimpleNamespace(draws_masks_in=lambda mode: draws_masks and mode == "train"),
    )


def cases() -> list[dict[str, object]]:
    found = []
    for num_parameters, size, masks, points in itertools.product(
        (1000, 3_500_000, 40_000_000), (16, 256), ("fresh", "averaged"), (11, 21, 41)
    ):
        run = run_of(num_parameters, draws_masks=masks == "averaged")
        asked = LandscapeRequest.of(
            run="a", epoch=0, x="step", y="pca:1", minibatch_size=size, mode="train", masks=masks, points=points
        )
        store: Any = SimpleNamespace(any_run=lambda name, run=run: run)
        found.append(
            {
                "seconds_per_point": estimate.seconds_of_a_point(run),
                "minibatch_size": size,
                "masks": masks,
                "points": points,
                "seconds": estimate.seconds_of(estimate.field_passes(run, asked)),
                "default_points": estimate.default_points(store, asked),
                "words": estimate.seconds_words(estimate.seconds_of(estimate.field_passes(run, asked))),
            }
        )
    return found


def fixture() -> dict[str, object]:
    return {
        "about": "How long planes along directions take, about. Written by `python -m tests.compute.estimates`.",
        "constants": estimate.for_browser(),
        "cases": cases(),
        "coarser": {str(points): coarser_sizes(points) for points in range(3, 63, 2)},
    }


if __name__ == "__main__":
    FIXTURE.write_text(json.dumps(fixture(), indent=1) + "\n")
