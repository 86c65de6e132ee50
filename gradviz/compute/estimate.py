"""How long a landscape will take, about, from its size alone.

The same number on every machine, and before anything is loaded: so a link without a number of points shows the same
grid everywhere. The unit is `Question.passes`, forward passes of 64 rows through 3.5 million weights; two cores take
`SECONDS_OF_A_PASS` for one (docs/benchmarks.md).
"""

from gradviz.compute.question import cost_of_a_pass
from gradviz.compute.study_landscape import ROWS_OF_A_STUDY
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.directions.axis import Curvature, Gradient, Principal, parse_axis
from gradviz.landscape.replay.coarser import SIZES
from gradviz.landscape.request import Masks, Mode

SECONDS_OF_A_PASS = 0.01

PASSES_OF_A_POINT, LEAST_OF_A_POINT = 1.5, 0.15
"""On a plane along directions: the moved weights are made, and a backward pass follows; and what all that is not a
product of weights takes beside, which is most of it in a small network."""

PASSES_OF_A_CHECK, LEAST_OF_A_CHECK = 100.0, 13.0
"""Finding a plane: the way is chosen and checked in float64, vectors are measured and made orthogonal."""

POINTS, FEWER_POINTS = 21, 11
LONG_SECONDS = 10.0
"""A plane along directions that would take longer has `FEWER_POINTS`, unless somebody asks for a number."""

TOLD_SECONDS = 5.0
"""What takes longer is told before."""

SLOW_SECONDS = 1.0
"""Of a plane along directions that takes longer, the page shows coarser grids first."""

_POINTS_OF_A_PASS = 21 * 21
"""The engine computes a grid of so many points for about one forward pass, if masks are fixed on it."""

_PRODUCTS_OF_A_PASS = 64 * 3_500_000


def landscape_passes(store: RunStore, asked: LandscapeRequest) -> float:
    """The cost of a field by the quickest method for its run, in the unit of `Question.passes`."""
    run = store.any_run(asked.run)
    if asked.has_directions:
        return plane_passes(store, asked)
    if isinstance(run, StudyRun):
        return field_passes(run, asked)
    if asked.masks == "fresh" and run.capabilities.draws_masks_in(asked.mode):
        return asked.points**2 * cost_of_a_pass(run, asked.num_rows)
    return num_sets(run, asked.mode, asked.masks, asked.num_masks) * engine_passes(run, asked)


def engine_passes(run: Run, asked: LandscapeRequest) -> float:
    """The cost of a field by the engine under one set of masks, in the unit of `Question.passes`."""
    return max(1.0, asked.points**2 / _POINTS_OF_A_PASS) * cost_of_a_pass(run, asked.num_rows)


def field_passes(run: Run | StudyRun, asked: LandscapeRequest) -> float:
    """The cost of a field that is computed point after point, in the unit of `Question.passes`."""
    own = cost_of_a_point(run, asked.num_rows)
    if asked.has_directions:
        rows = own / cost_of_a_point(run, ROWS_OF_A_STUDY)
        own = _passes_of_a_point(run) * rows
    return asked.points**2 * num_sets(run, asked.mode, asked.masks, asked.num_masks) * own


def plane_passes(store: RunStore, asked: LandscapeRequest) -> float:
    """The cost of a field along directions with everything that comes before its points."""
    run = store.any_run(asked.run)
    check = LEAST_OF_A_CHECK + PASSES_OF_A_CHECK * cost_of_a_point(run, asked.num_rows)
    return check + vectors_passes(store, asked) + field_passes(run, asked)


def vectors_passes(store: RunStore, asked: LandscapeRequest) -> float:
    """The cost of making the vectors of a plane, and the gradient at the checkpoint."""
    run = store.any_run(asked.run)
    own = cost_of_a_point(run, asked.num_rows)
    axes = [parse_axis(axis) for axis in (asked.x, asked.y)]
    passes = gradient = 1 + 5 * own
    for axis in axes:
        if isinstance(axis, Gradient):
            passes += gradient * (run.num_minibatches(asked.minibatch_size) if axis.minibatch is None else 1)
        elif isinstance(axis, Curvature):  # as quickly as it converges
            passes += 100 * (10 + axis.number) * (0.03 + own)
    if any(isinstance(axis, Principal) for axis in axes):  # all components are found together
        passes += len(run.epochs()) * (1 + 12 * cost_of_a_pass(run, ROWS_OF_A_STUDY))
    return passes


def _passes_of_a_point(run: Run | StudyRun) -> float:
    return LEAST_OF_A_POINT + PASSES_OF_A_POINT * cost_of_a_point(run, ROWS_OF_A_STUDY)


def cost_of_a_point(run: Run | StudyRun, minibatch_size: int) -> float:
    """Of one forward pass of a minibatch: by the multiplications that it does, at least by the number of weights."""
    if not isinstance(run, StudyRun):
        return cost_of_a_pass(run, minibatch_size)
    return max(cost_of_a_pass(run, ROWS_OF_A_STUDY), run.products / _PRODUCTS_OF_A_PASS)


def num_sets(run: Run | StudyRun, mode: Mode, masks: Masks, num_masks: int) -> int:
    """Of masks for one gradient."""
    averages = masks == "averaged" and run.capabilities.draws_masks_in(mode)
    return num_masks if averages else 1


def seconds_of(passes: float) -> float:
    return passes * SECONDS_OF_A_PASS


def seconds_of_a_point(run: Run | StudyRun) -> float:
    """On a plane along directions, with one set of masks and minibatches of 64 rows or as they were recorded."""
    return seconds_of(_passes_of_a_point(run))


def default_points(store: RunStore, asked: LandscapeRequest) -> int:
    """The points a side of a grid that nobody has chosen: fewer for a plane along directions that would take long.

    Planes of two parameters have always had `POINTS`.
    """
    whole = asked.model_copy(update={"points": POINTS})
    if not asked.has_directions or seconds_of(field_passes(store.any_run(asked.run), whole)) <= LONG_SECONDS:
        return POINTS
    return FEWER_POINTS


def for_browser() -> dict[str, object]:
    """The constants of the page's own estimate (assets/pure/estimate.js)."""
    return {
        "points": POINTS,
        "fewer_points": FEWER_POINTS,
        "long_seconds": LONG_SECONDS,
        "told_seconds": TOLD_SECONDS,
        "slow_seconds": SLOW_SECONDS,
        "coarse_sizes": SIZES,
        "sets_of_masks": LandscapeRequest.model_fields["num_masks"].default,
        "rows": ROWS_OF_A_STUDY,
    }


def seconds_words(seconds: float) -> str:
    """ "12 s", or "3 min", with two digits."""
    return f"{float(f'{seconds:.2g}'):g} s" if seconds < 100 else f"{float(f'{seconds / 60:.2g}'):g} min"
